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

    let mut stdout = std::io::stdout().lock();
    stdout.write_all(environment.as_bytes())?;
    stdout.flush()?;
    drop(stdout);

    stop_signal().await?;
    server.shutdown().await;
    authority.close().await?;
    Ok(())
}

/// Returns when the program is asked to end.
async fn stop_signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
