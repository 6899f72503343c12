//! What the program is told on its command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use runcycles::models::{Amount, AmountError};

const AFTER_HELP: &str = "\
Examples:
  A budget of five dollars a tenant shares, and a key for it, printed for pasting:
    cycles-authority serve --budget 'tenant:acme=$5'

  A key of your own, two budgets, and an admin plane for scripts:
    cycles-authority serve --api-key cyc_live_mine=acme --admin-key admin \\
      --budget 'tenant:acme=$5' --budget 'tenant:acme/agent:bot=1000 tokens'

  Budgets and what was spent of them, kept in a directory:
    cycles-authority serve --data /var/lib/cycles --budget 'tenant:acme=$5'

  Everything in a file:
    cycles-authority serve --config cycles.toml

A config file:
  evaluate_policies = false
  enforce_permissions = false
  protocol_extensions = false

  [[tenants]]
  id = \"acme\"
  default_ttl_ms = 60000

  [[api_keys]]
  key = \"cyc_live_mine\"
  tenant = \"acme\"

  [[budgets]]
  scope = \"tenant:acme/agent:bot\"
  amount = \"$5\"
  overdraft_limit = \"$0.50\"

  [[policies]]
  tenant = \"acme\"
  name = \"short answers\"
  scope_pattern = \"tenant:acme/agent:*\"
  max_tokens = 512

Without --data everything is in memory: budgets, reservations and keys end with the program. With it they are there
again at the next start, and what the command line and the config file say is added: a tenant, a budget, a key or a
policy that is there already stays as it is.";

/// A Cycles authority on this machine: hard limits on spend and actions of agents, enforced before they happen.
#[derive(Debug, Parser)]
#[command(version, after_help = "See 'cycles-authority serve --help' for examples.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serves the runtime plane and the admin plane on one port.
    ///
    /// Prints its address and the environment of a client when it is ready, and stops on Ctrl-C or SIGTERM once the requests
    /// in flight are answered. Anybody may ask /actuator/health whether it is up, and /metrics for its counters.
    Serve(Serve),
}

/// What to serve, and where.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Serve {
    /// The address to listen on; other than this machine's own only with --api-key or --admin-key
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7878", env = "CYCLES_LISTEN")]
    pub(crate) listen: String,

    /// The key that opens the admin plane; without one nothing does
    #[arg(long, value_name = "KEY", env = "CYCLES_ADMIN_KEY", hide_env_values = true)]
    pub(crate) admin_key: Option<String>,

    /// An API key of a tenant; without any, one is made for each tenant
    #[arg(long = "api-key", value_name = "KEY=TENANT", value_parser = parse_api_key)]
    pub(crate) api_keys: Vec<ApiKey>,

    /// A budget, such as 'tenant:acme=$5' or 'tenant:acme/agent:bot=1000 tokens'
    #[arg(long = "budget", value_name = "SCOPE=AMOUNT", value_parser = parse_budget)]
    pub(crate) budgets: Vec<Budget>,

    /// A directory to keep everything in; in memory alone without one
    #[arg(long, value_name = "DIR", env = "CYCLES_DATA")]
    pub(crate) data: Option<PathBuf>,

    /// What answers survive where everything is kept in a directory
    #[arg(long, value_enum, default_value_t, requires = "data")]
    pub(crate) durability: Durability,

    /// How long a connection may be idle, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) idle_timeout: u64,

    /// A file with tenants, keys, budgets and policies; what the command line says is added to it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Apply policies, which are only kept otherwise
    #[arg(long)]
    pub(crate) evaluate_policies: bool,

    /// Look at the permissions of keys on the runtime plane too
    #[arg(long)]
    pub(crate) enforce_permissions: bool,

    /// Speak the extensions of protocol v0.1.26: observe mode, policy keys, lists and quotas of actions
    #[arg(long)]
    pub(crate) protocol_extensions: bool,
}

/// What answers survive.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Durability {
    /// The end of the program, however it comes
    ProcessCrash,
    /// A power cut too
    #[default]
    PowerLoss,
}

/// A key and its tenant.
#[derive(Clone)]
pub(crate) struct ApiKey {
    pub(crate) key: String,
    pub(crate) tenant: String,
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKey").field("key", &"<redacted>").field("tenant", &self.tenant).finish()
    }
}

/// A scope and an amount.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    pub(crate) scope: String,
    pub(crate) amount: Amount,
}

fn parse_api_key(text: &str) -> Result<ApiKey, String> {
    match text.rsplit_once('=') {
        Some((key, tenant)) if !key.is_empty() && !tenant.is_empty() => {
            Ok(ApiKey { key: key.to_owned(), tenant: tenant.to_owned() })
        }
        _ => Err("expected KEY=TENANT, such as cyc_live_mine=acme".to_owned()),
    }
}

fn parse_budget(text: &str) -> Result<Budget, String> {
    let (scope, amount) = text.split_once('=').ok_or("expected SCOPE=AMOUNT, such as 'tenant:acme=$5'")?;
    let amount = amount.parse().map_err(|error: AmountError| error.to_string())?;
    Ok(Budget { scope: scope.to_owned(), amount })
}
