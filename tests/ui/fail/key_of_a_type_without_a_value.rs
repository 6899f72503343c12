use runcycles::{Error, cycles, tokens};

struct Job;

#[cycles(tokens(1), "llm.completion", key = (job, 1))]
async fn ask(job: &Job) -> Result<(), Error> {
    Ok(())
}

fn main() {}
