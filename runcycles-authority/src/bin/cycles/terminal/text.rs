//! Texts of a width.

/// How many columns of a terminal a text takes: nothing here takes two for one character.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// A text of at most a width.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// A bar of a width for a budget: what is spent, what is held, and the rest.
pub fn bar(width: usize, spent: u64, reserved: u64, allocated: u64) -> String {
    let part = |amount: u64| {
        let columns = u128::from(amount) * width as u128 / u128::from(allocated.max(1));
        usize::try_from(columns).unwrap_or(width).min(width)
    };
    let spent_columns = if allocated == 0 { width } else { part(spent) };
    let held_columns = part(spent.saturating_add(reserved)).saturating_sub(spent_columns);
    let rest = width - spent_columns - held_columns;
    format!("{}{}{}", "█".repeat(spent_columns), "▒".repeat(held_columns), "░".repeat(rest))
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn a_bar_is_full_when_all_is_spent_and_never_longer() {
        assert_eq!(bar(10, 50, 20, 100), "█████▒▒░░░");
        assert_eq!(bar(10, 100, 0, 100), "██████████");
        assert_eq!(bar(10, 150, 50, 100), "██████████");
        assert_eq!(bar(4, 0, 0, 0), "████");
        assert_eq!(bar(4, u64::MAX, u64::MAX, u64::MAX), "████");
    }
}
