//! Cancellations that overtake their requests: over HTTP each message can have a connection of its own, so the later one
//! may be read first. Pure, but for the time that it is told.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::message::Id;

/// A request that comes later than so after its cancellation is another one of the same id.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ids that are remembered, of each kind. Who cancels more at a time may have one run on, as if it had come too late.
const KEPT: usize = 64;

/// What a session remembers of ids that don't run.
#[derive(Debug, Default)]
pub(super) struct Early {
    /// Requests that have ended: whoever cancels these is late, not early.
    ended: VecDeque<Id>,
    cancelled: VecDeque<(Id, Instant)>,
}

impl Early {
    /// A request has ended.
    pub(super) fn ended(&mut self, id: &Id) {
        push(&mut self.ended, id.clone());
    }

    /// A request that does not run was cancelled.
    pub(super) fn cancel(&mut self, id: &Id, now: Instant) {
        if !self.ended.contains(id) {
            push(&mut self.cancelled, (id.clone(), now));
        }
    }

    /// Whether a request that begins has been cancelled already.
    pub(super) fn take(&mut self, id: &Id, now: Instant) -> bool {
        self.cancelled.retain(|(_, at)| now.saturating_duration_since(*at) < PATIENCE);
        let before = self.cancelled.len();
        self.cancelled.retain(|(cancelled, _)| cancelled != id);
        self.cancelled.len() < before
    }
}

fn push<T>(kept: &mut VecDeque<T>, new: T) {
    if kept.len() == KEPT {
        kept.pop_front();
    }
    kept.push_back(new);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> Id {
        Id::Number(n.into())
    }

    #[test]
    fn what_was_cancelled_early_is_cancelled_once_and_for_a_while() {
        let (mut early, now) = (Early::default(), Instant::now());
        early.cancel(&id(1), now);
        assert!(!early.take(&id(2), now));
        assert!(early.take(&id(1), now + PATIENCE / 2) && !early.take(&id(1), now + PATIENCE / 2));
        early.cancel(&id(3), now);
        assert!(!early.take(&id(3), now + PATIENCE));
    }

    #[test]
    fn what_was_cancelled_late_may_run_again() {
        let (mut early, now) = (Early::default(), Instant::now());
        early.ended(&id(1));
        early.cancel(&id(1), now);
        assert!(!early.take(&id(1), now));
    }

    #[test]
    fn no_more_is_remembered_than_may_be() {
        let (mut early, now) = (Early::default(), Instant::now());
        (0..3 * KEPT).for_each(|n| early.cancel(&id(n), now));
        (0..3 * KEPT).for_each(|n| early.ended(&id(n)));
        assert_eq!((early.cancelled.len(), early.ended.len()), (KEPT, KEPT));
        assert!(early.take(&id(3 * KEPT - 1), now) && !early.take(&id(0), now));
    }
}
