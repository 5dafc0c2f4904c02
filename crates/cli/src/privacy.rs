//! What the process keeps to itself.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Has no core file written, whatever happens: it would hold every secret in memory.
///
/// On Linux the process also counts as not dumpable, since a core handler that is a program is given the memory whatever
/// the limit says. Failing at it is no reason not to start.
pub(crate) fn no_core_files() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
