//! What was asked for on the command line.

/// The options of a run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The suites to run; all where none is named.
    pub(crate) suites: Vec<String>,
    pub(crate) rounds: usize,
    pub(crate) json: bool,
    pub(crate) record: bool,
    pub(crate) check: bool,
}

/// How often each comparison is made.
const ROUNDS: usize = 7;

const USAGE: &str = "\
--suite NAME    only this suite; may be given several times
--rounds N      how often each comparison is made, at least 5
--json          prints figures as JSON instead of a table
--record        keeps the figures as those to compare with
--check         compares with the figures kept, and fails where one is worse by more than 5 %";

impl Options {
    /// Reads the command line; an error says what is wrong with it.
    pub(crate) fn read(arguments: impl IntoIterator<Item = String>, suites: &[&str]) -> Result<Self, String> {
        let mut options = Self { suites: Vec::new(), rounds: ROUNDS, json: false, record: false, check: false };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // Cargo's own.
                "--bench" => {}
                "--json" => options.json = true,
                "--record" => options.record = true,
                "--check" => options.check = true,
                "--rounds" => {
                    let given = arguments.next().unwrap_or_default();
                    options.rounds = given.parse().map_err(|_| format!("--rounds wants a number, not {given:?}"))?;
                }
                "--suite" => {
                    let given = arguments.next().unwrap_or_default();
                    if !suites.contains(&&*given) {
                        return Err(format!("there is no suite {given:?}; there are {}", suites.join(", ")));
                    }
                    options.suites.push(given);
                }
                other => return Err(format!("{other:?} is no option\n\n{USAGE}\n\nsuites: {}", suites.join(", "))),
            }
        }
        if options.rounds < 5 {
            return Err(format!("{} rounds tell no spread; 5 do", options.rounds));
        }
        Ok(options)
    }

    pub(crate) fn wants(&self, suite: &str) -> bool {
        self.suites.is_empty() || self.suites.iter().any(|wanted| wanted == suite)
    }
}
