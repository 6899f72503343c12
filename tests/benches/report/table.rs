//! Figures as people read them.

use super::figure::Figure;
use super::machine::{date, load, machine};

const TITLES: [&str; 6] = ["", "floor", "ours", "compared", "spread", "bar"];

/// Prints a table of figures, with a heading for each part of a suite.
pub(crate) fn print(figures: &[Figure]) {
    println!("\n{}, {}, load {}", machine(), date(), load());
    let rows: Vec<_> = figures.iter().map(row).collect();
    let wide = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(|column| wide(column).max(TITLES[column].len()));
    let mut heading = "";
    for (figure, row) in figures.iter().zip(&rows) {
        let of = figure.name.split_once(": ").map_or("", |(heading, _)| heading);
        if of != heading || of.is_empty() {
            println!();
        }
        if of != heading {
            print_row(&std::array::from_fn(|column| if column == 0 { of } else { TITLES[column] }.to_owned()), &widths);
            heading = of;
        }
        print_row(row, &widths);
    }
}

fn print_row(row: &[String; 6], widths: &[usize; 6]) {
    let [name, numbers @ .., bar] = row;
    print!("{name:<wide$}", wide = widths[0]);
    for (number, wide) in numbers.iter().zip(&widths[1..]) {
        print!("   {number:>wide$}");
    }
    println!("   {bar}");
}

fn row(figure: &Figure) -> [String; 6] {
    let absolute = |value: f64| format!("{} {}", shown(value), figure.unit.symbol()).trim_end().to_owned();
    let spread = figure.compared;
    let bar = match (figure.bar, figure.meets_bar()) {
        (Some(bar), Some(true)) => format!("{bar}  met"),
        (Some(bar), _) => format!("{bar}  MISSED"),
        (None, _) => String::new(),
    };
    [
        format!("  {}", figure.name.split_once(": ").map_or(&*figure.name, |(_, name)| name)),
        figure.floor.map_or_else(String::new, absolute),
        absolute(figure.ours),
        shown(spread.median),
        if spread.low < spread.high {
            format!("{}–{}", shown(spread.low), shown(spread.high))
        } else {
            String::new()
        },
        bar,
    ]
}

/// With as many digits as mean something.
fn shown(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 => format!("{value:.0}"),
        size if size >= 100.0 || (value.fract() == 0.0 && size >= 10.0) => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
