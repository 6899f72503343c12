use runcycles::{Error, cycles};

#[cycles(runcycles::usd!(0), "file.delete", toolset = "files")]
pub async fn delete() -> Result<(), Error> {
    Ok(())
}

fn main() {}
