//! No helper: systems other than Linux lack what one needs (process descriptors, packets that keep their bounds).

use std::convert::Infallible;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Pid;

use super::super::Spec;
use super::super::group::Started;
use super::Plan;

#[derive(Debug)]
pub(super) struct Helper(Infallible);

#[derive(Debug)]
#[expect(dead_code, reason = "nothing ever happens here")]
pub(super) enum Unable {
    Now,
    Changed,
    Dead,
}

#[derive(Debug)]
pub(in crate::process) struct Forked(Infallible);

#[expect(clippy::unused_async, reason = "its likeness on Linux waits")]
impl Helper {
    pub(super) async fn start(_: &Plan, _: &Spec) -> Result<(Helper, String), String> {
        Err("that is possible on Linux only".into())
    }

    pub(super) fn runs(&self) -> u32 {
        match self.0 {}
    }

    pub(super) fn idle(&self) -> Duration {
        match self.0 {}
    }

    pub(super) async fn fork(&self, _: &[u8]) -> Result<Started, Unable> {
        match self.0 {}
    }
}

#[expect(clippy::unused_async, reason = "its likeness on Linux waits")]
impl Forked {
    pub(in crate::process) fn id(&self) -> Pid {
        match self.0 {}
    }

    pub(in crate::process) async fn tell(&mut self, _: &[u8]) -> io::Result<()> {
        match self.0 {}
    }

    pub(in crate::process) async fn exited(&mut self) {
        match self.0 {}
    }

    pub(in crate::process) async fn end(self) -> io::Result<ExitStatus> {
        match self.0 {}
    }

    pub(in crate::process) fn abandon(self) {
        match self.0 {}
    }
}
