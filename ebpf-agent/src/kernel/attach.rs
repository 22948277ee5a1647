//! Attaches the flow programs of one namespace to one interface: TCX, or clsact by netlink.
//!
//! Beside other agents' programs: TCX keeps a list in which ours has its place; with clsact our filters have a handle
//! of their own, an existing qdisc is used as it is, and nothing of others is touched.
//!
//! An interface is found by its index: container runtimes give it another name soon after it was made.
//!
//! **Invariant:** TCX links are descriptors of this process, so the kernel detaches them however it ends. A clsact
//! filter outlives a killed process, so each attachment, of whatever kind and direction, first removes what an earlier
//! instance left under our handle.

use std::io;

use aya::{
    Ebpf,
    programs::{
        LinkOrder, ProgramError, SchedClassifier, TcAttachType,
        tc::{self, NlOptions, SchedClassifierLink, TcAttachOptions, TcError, TcHandle},
    },
};
use tracing::warn;

use super::{Error, Settings};
use crate::config::{Anchor, AttachMode, Direction};
use crate::interfaces::model::Interface;

/// The flow programs that are attached to an interface, by whether its packets begin with an Ethernet header.
pub fn programs(direction: Direction, has_ethernet: bool) -> impl Iterator<Item = &'static str> {
    let sides = sides(direction).iter();
    sides.map(move |side| side.program(has_ethernet))
}

/// Before the filters of others, some of which end the classification.
const TC_PRIORITY: u16 = 1;
/// Ours alone: "no" "bs" in ASCII.
const TC_HANDLE: TcHandle = TcHandle::new(0x6e6f, 0x6273);

/// Where the loaded flow programs of a namespace are.
pub trait Classifiers {
    fn classifier(&mut self, name: &str) -> Option<&mut SchedClassifier>;
}

impl Classifiers for Ebpf {
    fn classifier(&mut self, name: &str) -> Option<&mut SchedClassifier> {
        self.program_mut(name)?.try_into().ok()
    }
}

/// By name. One or two.
impl Classifiers for Vec<(&'static str, SchedClassifier)> {
    fn classifier(&mut self, name: &str) -> Option<&mut SchedClassifier> {
        let mut programs = self.iter_mut();
        programs
            .find(|(known, _)| *known == name)
            .map(|(_, program)| program)
    }
}

/// How an interface is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachKind {
    Tcx,
    Tc,
}

/// The live links of one interface.
pub struct Attachment {
    pub kind: AttachKind,
    links: Vec<(Side, SchedClassifierLink)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Ingress,
    Egress,
}

impl Side {
    fn program(self, has_ethernet: bool) -> &'static str {
        match (self, has_ethernet) {
            (Self::Ingress, true) => "tcx_ingress_flow_parse",
            (Self::Egress, true) => "tcx_egress_flow_parse",
            (Self::Ingress, false) => "l3_ingress_flow_parse",
            (Self::Egress, false) => "l3_egress_flow_parse",
        }
    }

    fn attach_type(self) -> TcAttachType {
        match self {
            Self::Ingress => TcAttachType::Ingress,
            Self::Egress => TcAttachType::Egress,
        }
    }

    fn step(self, kind: AttachKind) -> &'static str {
        match (self, kind) {
            (Self::Ingress, AttachKind::Tcx) => "AttachIngress:CantAttachTCX",
            (Self::Egress, AttachKind::Tcx) => "AttachEgress:CantAttachTCX",
            (_, AttachKind::Tc) => "AttachUnknownError",
        }
    }

    fn detach_step(self, kind: AttachKind) -> &'static str {
        match (self, kind) {
            (Self::Ingress, AttachKind::Tcx) => "DetachIngress:CantCloseLink",
            (Self::Egress, AttachKind::Tcx) => "DetachEgress:CantCloseLink",
            (_, AttachKind::Tc) => "DetachUnknownError",
        }
    }
}

fn sides(direction: Direction) -> &'static [Side] {
    match direction {
        Direction::Ingress => &[Side::Ingress],
        Direction::Egress => &[Side::Egress],
        Direction::Both => &[Side::Egress, Side::Ingress],
    }
}

/// One attempt, on a thread that is in the interface's namespace. All directions are attached, or none. On a kernel without
/// TCX the mode becomes [`AttachMode::Tc`], for good.
pub fn attach(
    programs: &mut dyn Classifiers,
    settings: &mut Settings,
    interface: &Interface,
) -> Result<Attachment, Error> {
    remove_left(interface);
    let mode = settings.attach.mode;
    if mode != AttachMode::Tc {
        match attach_as(programs, settings, interface, AttachKind::Tcx) {
            Err(error) if is_unknown_hook(&error) => {
                warn!(
                    "this kernel has no TCX (Linux 6.6 or later has): using clsact; \
                     TC_ATTACH_MODE=tc says so from the start"
                );
                settings.attach.mode = AttachMode::Tc;
            }
            Err(_) if mode == AttachMode::Any => {}
            attached => return attached,
        }
    }
    attach_as(programs, settings, interface, AttachKind::Tc)
}

/// What the user can do about a failed attachment, for the end of its line.
pub(super) fn next_step(step: &str, cause: &ProgramError) -> &'static str {
    let is_gone = |error: &io::Error| error.raw_os_error() == Some(libc::ENODEV);
    match cause {
        ProgramError::UnknownInterface { .. } => "",
        ProgramError::SyscallError(call) if is_gone(&call.io_error) => "",
        ProgramError::TcError(TcError::IoError(error)) if is_gone(error) => "",
        _ if step.ends_with("CantAttachTCX") => "; TC_ATTACH_MODE=any takes clsact where TCX fails",
        _ => "",
    }
}

/// Whether the kernel does not know TCX. One that knows it has no other reason to call our request invalid.
fn is_unknown_hook(error: &Error) -> bool {
    let Error::Attach { cause, .. } = error else {
        return false;
    };
    matches!(&**cause, ProgramError::SyscallError(call) if call.io_error.raw_os_error() == Some(libc::EINVAL))
}

fn attach_as(
    programs: &mut dyn Classifiers,
    settings: &Settings,
    interface: &Interface,
    kind: AttachKind,
) -> Result<Attachment, Error> {
    let mut attachment = Attachment {
        kind,
        links: Vec::with_capacity(2),
    };
    for &side in sides(settings.attach.direction) {
        let attached = current_name(interface.index).and_then(|name| {
            let program = programs
                .classifier(side.program(interface.has_ethernet))
                .ok_or(ProgramError::NotLoaded)?;
            match kind {
                AttachKind::Tcx => attach_tcx(program, settings, &name, side),
                AttachKind::Tc => attach_tc(program, &name, side),
            }
        });
        match attached {
            Ok(link) => attachment.links.push((side, link)),
            Err(cause) => {
                // What was attached so far goes with it; that it fails too adds nothing to the error.
                let _ = attachment.detach(&interface.name);
                return Err(Error::Attach {
                    interface: interface.name.to_string(),
                    step: side.step(kind),
                    cause: Box::new(cause),
                });
            }
        }
    }
    Ok(attachment)
}

/// What the interface is called now, which is what the library wants to know.
fn current_name(index: u32) -> Result<String, ProgramError> {
    // Where the kernel knows none, this version of nix gives an empty name instead of an error.
    nix::net::if_::if_indextoname(index)
        .ok()
        .and_then(|name| name.into_string().ok())
        .filter(|name| !name.is_empty())
        .ok_or_else(|| TcError::IoError(io::Error::from_raw_os_error(libc::ENODEV)).into())
}

fn attach_tcx(
    program: &mut SchedClassifier,
    settings: &Settings,
    interface: &str,
    side: Side,
) -> Result<SchedClassifierLink, ProgramError> {
    let anchor = match side {
        Side::Ingress => settings.attach.anchor_ingress,
        Side::Egress => settings.attach.anchor_egress,
    };
    let order = match anchor {
        Anchor::None => LinkOrder::default(),
        Anchor::Head => LinkOrder::first(),
        Anchor::Tail => LinkOrder::last(),
    };
    let id = program.attach_with_options(
        interface,
        side.attach_type(),
        TcAttachOptions::TcxOrder(order),
    )?;
    program.take_link(id)
}

fn attach_tc(
    program: &mut SchedClassifier,
    interface: &str,
    side: Side,
) -> Result<SchedClassifierLink, ProgramError> {
    add_clsact(interface)?;
    let id = program.attach_with_options(
        interface,
        side.attach_type(),
        TcAttachOptions::Netlink(NlOptions {
            priority: TC_PRIORITY,
            handle: TC_HANDLE,
            classid: None,
        }),
    )?;
    program.take_link(id)
}

/// Removes the clsact filters under our handle from both directions: an earlier instance may have been set otherwise.
fn remove_left(interface: &Interface) {
    let Ok(name) = current_name(interface.index) else {
        return;
    };
    for side in [Side::Ingress, Side::Egress] {
        let hook = side.attach_type();
        if let Ok(left) = SchedClassifierLink::attached(&name, hook, TC_PRIORITY, TC_HANDLE, None) {
            // The usual case is that there is none.
            let _ = detach_link(left);
        }
    }
}

/// Makes sure that the interface has the qdisc; one that is there, with whatever hangs on it, stays.
fn add_clsact(interface: &str) -> Result<(), TcError> {
    match tc::qdisc_add_clsact(interface) {
        Err(TcError::AlreadyAttached) => Ok(()),
        Err(TcError::NetlinkError(error)) if error.raw_os_error() == Some(libc::EEXIST) => Ok(()),
        other => other,
    }
}

fn detach_link(link: SchedClassifierLink) -> Result<(), ProgramError> {
    aya::programs::links::Link::detach(link)
}

impl Attachment {
    /// On a thread that is in the interface's namespace. Every link is given up, whatever happens to the first.
    pub fn detach(mut self, interface: &str) -> Result<(), Error> {
        let kind = self.kind;
        let mut result = Ok(());
        for (side, link) in self.links.drain(..) {
            if let Err(cause) = detach_link(link) {
                result = Err(Error::Detach {
                    interface: interface.to_owned(),
                    step: side.detach_step(kind),
                    cause: Box::new(cause),
                });
            }
        }
        result
    }
}
