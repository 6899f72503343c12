use runcycles::{Degraded, Error, ladder};

async fn rung() -> Result<u8, Error> {
    Ok(7)
}

async fn climb() -> Result<Degraded<u8>, Error> {
    ladder![rung(), else 7, rung()].await
}

fn main() {}
