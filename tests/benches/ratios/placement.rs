//! Which processors a client and its server run on.

use std::env::current_exe;
use std::process::Command;

/// Where client and server run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// Each on a processor of its own.
    Split,
    /// Both on the same, so that latencies are what their programs take.
    SameCore,
    /// Wherever the operating system puts them; the client has two threads.
    TwoWorkers,
}

impl Placement {
    /// How figures name it.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::SameCore => "same core",
            Self::TwoWorkers => "two workers",
        }
    }

    /// A command that runs this program as a client.
    pub(crate) fn client(self) -> Command {
        match self {
            Self::Split | Self::SameCore => pinned(0),
            Self::TwoWorkers => this_program(),
        }
    }

    /// A command that runs this program as a server.
    pub(crate) fn server(self) -> Command {
        match self {
            Self::Split => pinned(1),
            Self::SameCore => pinned(0),
            Self::TwoWorkers => this_program(),
        }
    }

    pub(crate) fn runtime(self) -> tokio::runtime::Runtime {
        let mut builder = match self {
            Self::Split | Self::SameCore => tokio::runtime::Builder::new_current_thread(),
            Self::TwoWorkers => tokio::runtime::Builder::new_multi_thread(),
        };
        builder.worker_threads(2).enable_all().build().expect("a runtime")
    }
}

/// Whether processes can be kept on a processor here.
pub(crate) fn can_pin() -> bool {
    let on_second = Command::new("taskset").args(["-c", "1", "true"]).status();
    on_second.is_ok_and(|status| status.success())
}

fn pinned(processor: u8) -> Command {
    if !can_pin() {
        return this_program();
    }
    let mut command = Command::new("taskset");
    command.arg("-c").arg(processor.to_string()).arg(current_exe().expect("this program's path"));
    command
}

/// A command that runs this program.
pub(crate) fn this_program() -> Command {
    Command::new(current_exe().expect("this program's path"))
}
