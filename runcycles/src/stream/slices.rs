//! How much a stream asks for at a time.

/// What a slice may grow to, as a multiple of the first.
const MOST_GROWTH: u64 = 8;

/// The size of the next slice of a stream: the first reservation's, doubled where the stream had to wait for a slice, halved
/// where the budget said no.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slices {
    first: u64,
    size: u64,
}

impl Slices {
    /// Slices after a first one.
    pub(super) fn after(first: u64) -> Self {
        Self { first, size: first }
    }

    /// How much to ask for where at least `need` is needed.
    pub(super) fn size(&self, need: u64) -> u64 {
        self.size.max(need)
    }

    /// Whether it is time to ask for the next slice: half of the last one is used.
    pub(super) fn is_next_due(used: u64, reserved: u64) -> bool {
        used >= reserved.div_ceil(2)
    }

    /// The stream had to wait for a slice of a size: less often with larger ones.
    pub(super) fn waited_for(&mut self, size: u64) {
        if self.first == 0 {
            self.first = size;
        }
        self.size = size.saturating_mul(2).min(self.first.saturating_mul(MOST_GROWTH)).max(self.size);
    }

    /// The budget has less left than was asked for.
    pub(super) fn denied(&mut self) {
        self.size /= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::Slices;

    #[test]
    fn a_slice_is_as_large_as_the_first_and_at_least_what_is_needed() {
        let slices = Slices::after(100);
        assert_eq!((slices.size(1), slices.size(250)), (100, 250));
    }

    #[test]
    fn a_stream_that_waits_asks_for_more_at_a_time_up_to_eight_times_the_first() {
        let mut slices = Slices::after(100);
        let sizes = [(); 5].map(|()| {
            slices.waited_for(slices.size(1));
            slices.size(1)
        });
        assert_eq!(sizes, [200, 400, 800, 800, 800]);
    }

    #[test]
    fn a_stream_without_an_estimate_grows_from_what_it_first_needed() {
        let mut slices = Slices::after(0);
        assert_eq!(slices.size(3), 3);
        slices.waited_for(3);
        assert_eq!(slices.size(3), 6);
    }

    #[test]
    fn a_denied_slice_is_halved_until_only_what_is_needed_is_asked_for() {
        let mut slices = Slices::after(100);
        let sizes = [(); 5].map(|()| {
            slices.denied();
            slices.size(10)
        });
        assert_eq!(sizes, [50, 25, 12, 10, 10]);
    }

    #[test]
    fn the_next_slice_is_due_when_half_of_the_last_is_used() {
        assert!(!Slices::is_next_due(49, 100));
        assert!(Slices::is_next_due(50, 100));
        assert!(!Slices::is_next_due(0, 1));
        assert!(Slices::is_next_due(1, 1));
    }

    #[test]
    fn the_largest_amounts_do_not_overflow() {
        let mut slices = Slices::after(u64::MAX / 2);
        slices.waited_for(u64::MAX);
        assert_eq!(slices.size(1), u64::MAX);
    }
}
