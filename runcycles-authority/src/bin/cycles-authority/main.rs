//! Runs a Cycles authority on this machine.

mod arguments;
mod config;
mod environment;
mod notices;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use runcycles_authority::{Authority, ServerLimits};

use self::arguments::{Arguments, Command, Serve};
use self::config::Setup;
use self::notices::Notices;

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Serve(serve) = Arguments::parse().command;
    Notices::print();
    match run(serve).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprint!(": {error}");
                cause = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

async fn run(serve: Serve) -> Result<(), Box<dyn Error>> {
    let listen = serve.listen.clone();
    let limits = ServerLimits::default().idle_timeout(Duration::from_secs(serve.idle_timeout));
    let setup = Setup::collect(serve)?;
    let authority: Authority = setup.builder().start().await?;
    let server = authority.serve_with(listen, limits).await?;
    let environment = environment::describe(&server.url(), &setup, |tenant| authority.api_key(tenant));

    // Before anybody is told that it is ready, and may ask it to end.
    let stop = stop_signal()?;
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(environment.as_bytes())?;
    stdout.flush()?;
    drop(stdout);

    stop.await;
    server.shutdown().await;
    authority.close().await?;
    Ok(())
}

/// Listens from now on, and is ready when the program is asked to end.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(windows)]
    {
        let mut interrupt = tokio::signal::windows::ctrl_c()?;
        Ok(async move {
            interrupt.recv().await;
        })
    }
}
