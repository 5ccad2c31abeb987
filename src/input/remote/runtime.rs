//! The one thread on which everything waits, and how others wait for it.

use std::future::{Future, pending};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;

use tokio::runtime::{Builder, Handle};

use super::Fault;

static RUNTIME: OnceLock<Option<Handle>> = OnceLock::new();

/// The runtime, which is started when it is first asked for; `None` where the system gives no thread for it.
pub(super) fn handle() -> Result<&'static Handle, Fault> {
    let start = || {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build().ok()?;
        let handle = runtime.handle().clone();
        let run = move || runtime.block_on(pending::<()>());
        thread::Builder::new().name("remote".to_owned()).spawn(run).ok()?;
        Some(handle)
    };
    RUNTIME.get_or_init(start).as_ref().ok_or(Fault::NoThread)
}

/// Does something that takes waiting, and waits for it.
pub(super) fn wait<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, Fault> {
    let (sender, receiver) = mpsc::channel();
    let task = async move { drop(sender.send(work.await)) };
    drop(handle()?.spawn(task));
    // Nothing is sent only where the task panicked.
    receiver.recv().map_err(|_| Fault::NoThread)
}
