//! Lets the program instances of several network namespaces share their maps.
//!
//! The loader library can hand a map from one object to another only by a path in a BPF file system. This one is
//! mounted nowhere: it is reached through its descriptor, and is gone with the process, however that ends.
//!
//! **Invariant:** no name of ours ever appears in the machine's file system.
#![allow(unsafe_code, reason = "fsopen(2) and its kin have no wrapper")]

use std::{
    io,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
    path::PathBuf,
};

/// A BPF file system of our own.
pub struct PrivateBpfFs {
    mount: OwnedFd,
}

fn descriptor(answer: libc::c_long) -> io::Result<OwnedFd> {
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the system call just made it, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(answer as i32) })
}

impl PrivateBpfFs {
    /// Needs `CAP_SYS_ADMIN`, as entering another namespace does.
    pub fn new() -> io::Result<Self> {
        // SAFETY: the name is a C string.
        let context = descriptor(unsafe {
            libc::syscall(libc::SYS_fsopen, c"bpf".as_ptr(), libc::FSOPEN_CLOEXEC)
        })?;
        // SAFETY: creating takes no key and no value.
        let answer = unsafe {
            libc::syscall(
                libc::SYS_fsconfig,
                context.as_raw_fd(),
                libc::FSCONFIG_CMD_CREATE,
                std::ptr::null::<libc::c_char>(),
                std::ptr::null::<libc::c_char>(),
                0,
            )
        };
        if answer != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: plain integers.
        let mount = descriptor(unsafe {
            libc::syscall(
                libc::SYS_fsmount,
                context.as_raw_fd(),
                libc::FSMOUNT_CLOEXEC,
                0,
            )
        })?;
        Ok(Self { mount })
    }

    /// Where a map of that name is, or can be pinned.
    pub fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{name}", self.mount.as_raw_fd()))
    }
}
