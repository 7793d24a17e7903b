//! What a process sets up for itself.

use std::io;

use rustix::process::{
    Pid, Resource, Rlimit, Signal, getppid, getrlimit, set_parent_process_death_signal, setrlimit,
};

/// Raises the limit of open files as far as it goes: each connection is one.
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Refused, the old limit holds, and whoever runs into it says so.
    let _ = setrlimit(Resource::Nofile, raised);
}

/// Lets the kernel kill this process when process `parent` ends, however it ends.
///
/// # Errors
/// The parent has ended already.
pub(crate) fn die_with(parent: u32) -> io::Result<()> {
    signal_with(parent, Signal::KILL)
}

/// Lets the kernel send this process a signal when process `parent` ends, however it ends (prctl(2), `PR_SET_PDEATHSIG`). What this process becomes
/// by execve(2) keeps that.
///
/// # Errors
/// The parent has ended already.
pub(crate) fn signal_with(parent: u32, signal: Signal) -> io::Result<()> {
    set_parent_process_death_signal(Some(signal))?;
    // It may have ended before the line above.
    if getppid()
        .map(Pid::as_raw_nonzero)
        .is_some_and(|pid| pid.get().cast_unsigned() == parent)
    {
        return Ok(());
    }
    Err(io::Error::other(
        "the process that started this one has ended",
    ))
}
