//! What the program is told on its command line.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};

const AFTER_HELP: &str = "\
Which server, and as whom, is in options or in the environment: CYCLES_BASE_URL, CYCLES_API_KEY and CYCLES_TENANT for what a
tenant may see; CYCLES_ADMIN_URL and CYCLES_ADMIN_KEY for what an operator may see and do.

Examples:
  Watch the budgets of a tenant:
    cycles top --url http://localhost:7878 --api-key cyc_live_mine --tenant acme

  What is left, for a script:
    cycles balances tenant:acme/agent:bot --json

  What a call will cost, by prices of your own:
    cycles calc --model gpt-4o --in 3000 --out 800 --per-day 500 --prices prices.json

  What a file of budgets would change, and the change:
    cycles apply budgets.toml --dry-run
    cycles apply budgets.toml

Exit status: 0 where all went well; 1 where the server refused, could not be reached, or a file cannot be meant; 2 where the
command line cannot be meant.";

/// Looks at a Cycles server, works out what calls cost, and applies budgets.
#[derive(Debug, Parser)]
#[command(name = "cycles", version, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows budgets as a tree with bars, again and again, until Ctrl-C.
    ///
    /// Bars are spent (█), held by live reservations (▒), and left (░). Where the server tells its counters, as an embedded
    /// authority does at /metrics, there are calls, denials and reservations in flight above the tree.
    Top(Top),
    /// Lists budgets: what each was given, and what became of it.
    Balances(Balances),
    /// Lists reservations of the tenant that the API key belongs to.
    Reservations(Reservations),
    /// Works out what calls of a model cost, by prices out of a file. Asks no server.
    Calc(Calc),
    /// Makes tenants, budgets and policies as a file has them. What is there already stays, unless the file differs.
    Apply(Apply),
}

/// Which server, and as whom.
#[derive(Args, Clone, Debug)]
pub(crate) struct Server {
    #[command(flatten)]
    pub(crate) operator: Operator,

    /// A key of a tenant
    #[arg(long, value_name = "KEY", env = "CYCLES_API_KEY", hide_env_values = true)]
    pub(crate) api_key: Option<Secret>,

    /// The tenant that the key belongs to; with an operator's key, the only tenant to look at
    #[arg(long, value_name = "TENANT", env = "CYCLES_TENANT")]
    pub(crate) tenant: Option<String>,
}

/// Which server, as its operator.
#[derive(Args, Clone, Debug)]
pub(crate) struct Operator {
    /// The address of the runtime plane
    #[arg(long, value_name = "URL", env = "CYCLES_BASE_URL", default_value = "http://127.0.0.1:7878")]
    pub(crate) url: String,

    /// The address of the admin plane, where it is another one
    #[arg(long, value_name = "URL", env = "CYCLES_ADMIN_URL")]
    pub(crate) admin_url: Option<String>,

    /// The operator's key, which sees the budgets of every tenant
    #[arg(long, value_name = "KEY", env = "CYCLES_ADMIN_KEY", hide_env_values = true)]
    pub(crate) admin_key: Option<Secret>,
}

/// What to watch.
#[derive(Args, Debug)]
pub(crate) struct Top {
    #[command(flatten)]
    pub(crate) server: Server,

    /// Show it once, as where the output is no terminal
    #[arg(long)]
    pub(crate) once: bool,

    /// How often to look, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) every: u64,
}

/// Which budgets to list.
#[derive(Args, Debug)]
pub(crate) struct Balances {
    #[command(flatten)]
    pub(crate) server: Server,

    /// A scope: itself and those below it, such as tenant:acme/agent:bot
    pub(crate) scope: Option<String>,

    /// As JSON, with amounts as whole numbers
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which reservations to list.
#[derive(Args, Debug)]
pub(crate) struct Reservations {
    #[command(flatten)]
    pub(crate) server: Server,

    /// Only those in a state: ACTIVE, COMMITTED, RELEASED or EXPIRED
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<String>,

    /// The most to list, the newest first
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,

    /// As JSON, with all that the server tells
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which calls to price.
#[derive(Args, Debug)]
pub(crate) struct Calc {
    /// The model, as the file calls it; the provider before a slash may be left out
    #[arg(long)]
    pub(crate) model: String,

    /// Tokens in
    #[arg(long = "in", value_name = "TOKENS")]
    pub(crate) input: u64,

    /// Tokens out, at most
    #[arg(long = "out", value_name = "TOKENS")]
    pub(crate) output: u64,

    /// Calls a day
    #[arg(long, value_name = "CALLS", default_value_t = 1)]
    pub(crate) per_day: u64,

    /// What to reserve on top of the cost, in per cent
    #[arg(long, value_name = "PERCENT", default_value_t = 20)]
    pub(crate) buffer: u8,

    /// Prices, as models.dev or litellm publish them. There are none built in: they would be wrong within weeks
    #[arg(long, value_name = "FILE", env = "CYCLES_PRICES")]
    pub(crate) prices: PathBuf,

    /// As JSON, with amounts in microcents
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to apply.
#[derive(Args, Debug)]
pub(crate) struct Apply {
    #[command(flatten)]
    pub(crate) operator: Operator,

    /// The file
    pub(crate) file: PathBuf,

    /// Print what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// A key, which is not shown.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// The key, unless it is blank as unset variables of some shells are.
    pub(crate) fn expose(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|key| !key.trim().is_empty())
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<redacted>")
    }
}
