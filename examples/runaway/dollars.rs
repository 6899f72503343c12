//! Microcents as dollars, as precise as a viewer wants to know.

/// With four digits after the point: `$0.9900`.
pub(crate) fn four_digits(microcents: u64) -> String {
    let hundredths_of_cents = microcents / 10_000;
    format!("${}.{:04}", hundredths_of_cents / 10_000, hundredths_of_cents % 10_000)
}

/// With two: `$5.95`.
pub(crate) fn cents(microcents: u64) -> String {
    let cents = microcents / 1_000_000;
    format!("${}.{:02}", cents / 100, cents % 100)
}

/// With none, and commas: `$1,728`.
pub(crate) fn whole(microcents: u64) -> String {
    let dollars = microcents / 100_000_000;
    match (dollars / 1_000_000, dollars / 1_000 % 1_000, dollars % 1_000) {
        (0, 0, ones) => format!("${ones}"),
        (0, thousands, ones) => format!("${thousands},{ones:03}"),
        (millions, thousands, ones) => format!("${millions},{thousands:03},{ones:03}"),
    }
}
