//! What becomes of figures.

use super::figure::Figure;
use super::options::Options;
use super::record::Record;
use super::table;

/// Shows figures, keeps them, compares them; whether none is worse than what was kept.
pub(crate) fn conclude(name: &str, options: &Options, figures: &[Figure]) -> bool {
    if options.json {
        println!("{}", serde_json::to_string_pretty(figures).expect("figures as JSON"));
    } else {
        table::print(figures);
    }
    let mut is_well = true;
    if options.check {
        match Record::read(name).map(|record| record.worse(figures)) {
            None => println!("\nnothing is kept to compare with; --record keeps what is measured"),
            Some(worse) if worse.is_empty() => println!("\nnothing is worse than what was kept"),
            Some(worse) => {
                is_well = false;
                println!("\nworse than what was kept:\n  {}", worse.join("\n  "));
            }
        }
    }
    if options.record {
        Record::keep(name, figures);
    }
    is_well
}
