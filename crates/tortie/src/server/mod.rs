//! The running server: everything wired, from the configuration to the sockets.

mod alerts;
mod assembly;
pub(crate) mod calico;
mod cluster_source;
pub(crate) mod crds;
mod discovery;
pub(crate) mod doctor;
mod events;
mod maintenance;
mod metrics;
pub(crate) mod options;
pub(crate) mod reload;
pub(crate) mod rules;
mod running;
mod storage;

pub(crate) use assembly::{Server, StartError};
pub(crate) use maintenance::round;

use crate::commands::EXIT_USAGE;
use crate::logging::{self, Format, Threshold};
use crate::signals::Signals;
use options::ServerOptions;
use std::process::ExitCode;
use std::sync::Arc;
use tortie_host::limits::{Limits, raise_file_limit};
use tortie_host::{Clock, SystemClock};

/// Time that background work of the runtime gets at the very end.
const LAST_WAIT: std::time::Duration = std::time::Duration::from_secs(1);

/// Runs the server until a signal or `/-/quit` ends it.
pub(crate) fn execute(options: ServerOptions, level: Threshold, format: Format) -> ExitCode {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    logging::start(level, format, Arc::clone(&clock));
    let runtime = match io_runtime(options.threads) {
        Ok(r) => r,
        Err(e) => return fail(&format!("cannot start the runtime: {e}"), 1),
    };
    let code = runtime.block_on(serve(options, clock));
    // Reading a long log at start is not waited for when the process is told to end meanwhile.
    runtime.shutdown_timeout(LAST_WAIT);
    code
}

async fn serve(options: ServerOptions, clock: Arc<dyn Clock>) -> ExitCode {
    let mut signals = match Signals::listen() {
        Ok(s) => s,
        Err(e) => return fail(&format!("cannot listen to signals: {e}"), 1),
    };
    let started = tokio::select! {
        s = Server::start(options, clock) => s,
        () = signals.ended() => {
            tracing::warn!("Received an OS signal while starting, exiting...");
            return ExitCode::SUCCESS;
        }
    };
    let server = match started {
        Ok(s) => s,
        Err(StartError::Usage(text)) => return fail(&text, EXIT_USAGE),
        Err(StartError::Failed(text)) => return fail(&text, 1),
    };
    server.until_told_to_end(&mut signals).await;
    match server.stop().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => fail(&e, 1),
    }
}

/// The runtime for sockets: `threads`, or four at most, as many as there are cores.
pub(crate) fn io_runtime(threads: Option<usize>) -> std::io::Result<tokio::runtime::Runtime> {
    let limits = Limits::read();
    let files = raise_file_limit();
    let n = threads.unwrap_or(limits.cores.min(4)).max(1);
    tracing::info!(
        cores = limits.cores,
        memory = limits.memory,
        open_files = files,
        io_threads = n,
        "limits of this process"
    );
    if n == 1 {
        return tokio::runtime::Builder::new_current_thread().enable_all().build();
    }
    tokio::runtime::Builder::new_multi_thread().worker_threads(n).enable_all().build()
}

#[allow(clippy::print_stderr)] // the last word of the process
fn fail(text: &str, code: u8) -> ExitCode {
    eprintln!("{text}");
    ExitCode::from(code)
}
