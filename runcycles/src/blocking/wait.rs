//! Waiting for a future without being async.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::{Builder, Handle};

use crate::call::Guard;
use crate::error::{ConfigError, Error};

/// The runtime of all blocking clients, or why there is none.
static RUNTIME: OnceLock<Result<Handle, String>> = OnceLock::new();

/// Waits for a future on this thread, and lets the runtime of the blocking clients do what it asks for.
///
/// Implementation rationale: tokio refuses to block where a runtime is running already, since that runtime may be what the
/// future waits for. This future waits for another one.
///
/// # Errors
///
/// Those of the future; [`Error::Config`] where the thread cannot be started.
pub(super) fn block_on<T, E: From<Error>>(future: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let runtime = runtime()?;
    let _entered = runtime.enter();
    wait(future)
}

/// The same for a future that cannot fail.
pub(super) fn block_on_value<T>(future: impl Future<Output = T>) -> Result<T, Error> {
    block_on(async { Ok(future.await) })
}

impl<T, E: From<Error>> Guard<T, E> {
    /// Waits for the result of a plain function.
    pub fn block_on(self, result: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        block_on(result)
    }
}

fn runtime() -> Result<&'static Handle, Error> {
    let runtime = RUNTIME.get_or_init(|| start().map_err(|error| error.to_string()));
    runtime.as_ref().map_err(|error| {
        let cure = "let the process start a thread, or use the async client";
        ConfigError::new("blocking", format!("its thread cannot be started: {error}"), cure).into()
    })
}

fn start() -> Result<Handle, std::io::Error> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let drive = move || runtime.block_on(std::future::pending::<()>());
    thread::Builder::new().name("runcycles-blocking".to_owned()).spawn(drive)?;
    Ok(handle)
}

fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let sleeper = Arc::new(Sleeper { thread: thread::current(), is_woken: AtomicBool::new(false) });
    let waker = Waker::from(Arc::clone(&sleeper));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        // Whatever else wakes this thread, such as another wait inside of this one, is not what this one waits for.
        while !sleeper.is_woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

/// A thread that waits.
struct Sleeper {
    thread: Thread,
    is_woken: AtomicBool,
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}
