//! Budgets as a file: what should be there, what would change, and the change.
//!
//! Needs the feature `budgets-file`. The file is the one that the program `cycles-authority` starts with, so that what was tried
//! on one machine is applied to a server as it is:
//!
//! ```toml
//! [[tenants]]
//! id = "acme"
//! overage_policy = "ALLOW_IF_AVAILABLE"
//!
//! [[budgets]]
//! scope = "tenant:acme"
//! amount = "$500"
//!
//! [[budgets]]
//! scope = "tenant:acme/workflow:code-review"
//! amount = "100_000 tokens"
//! overdraft_limit = "1_000 tokens"
//!
//! [[policies]]
//! tenant = "acme"
//! name = "short answers"
//! scope_pattern = "tenant:acme/*"
//! max_tokens = 512
//! ```
//!
//! Applying it is safe to repeat, and takes nothing away: tenants, budgets and policies that the file does not name stay as they
//! are. A tenant that only a scope names is created too.
//!
//! ```
//! use runcycles::{admin::Admin, budgets_file::BudgetsFile};
//! use runcycles_authority::Authority;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // In production: Admin::from_env()? and BudgetsFile::read("budgets.toml")?.
//! let authority = Authority::builder().admin_key("secret").start().await?;
//! let admin = Admin::builder("secret", "http://authority").transport(authority.transport()).build();
//! let file = BudgetsFile::parse("budgets.toml", "[[budgets]]\nscope = 'tenant:acme'\namount = '$5'\n")?;
//!
//! let plan = file.plan(&admin).await?; // changes nothing
//! assert_eq!(
//!     plan.to_string(),
//!     "budgets.toml: 2 to create, 0 to change, 0 as they are\n  + tenant  acme\n  + budget  tenant:acme  $5.00\n",
//! );
//! plan.apply().await?;
//! assert!(file.plan(&admin).await?.is_empty());
//! # Ok(())
//! # }
//! ```

mod change;
mod entries;
mod error;
mod parse;
mod plan;

use std::path::Path;

pub use self::entries::{ApiKeyEntry, BudgetEntry, PolicyEntry, TenantEntry};
pub use self::error::{ApplyError, BudgetsFileError};
pub use self::plan::BudgetsPlan;

/// A budgets file that has been read: everything in it can be meant, and nothing has been sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BudgetsFile {
    file: String,
    evaluate_policies: bool,
    enforce_permissions: bool,
    protocol_extensions: bool,
    tenants: Vec<TenantEntry>,
    api_keys: Vec<ApiKeyEntry>,
    budgets: Vec<BudgetEntry>,
    policies: Vec<PolicyEntry>,
}

impl BudgetsFile {
    /// Reads a file. It blocks while the disk is read.
    ///
    /// # Errors
    ///
    /// [`BudgetsFileError`] where it cannot be read, or a line of it cannot be meant: a level that is misspelt, an amount in a
    /// unit that no budget has or with too many digits, a name that is not known, a budget that stands there twice.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, BudgetsFileError> {
        let file = path.as_ref().display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&file, &text),
            Err(source) => Err(BudgetsFileError::Read { file, source }),
        }
    }

    /// Reads a text, which messages call by a name.
    ///
    /// ```
    /// use runcycles::budgets_file::BudgetsFile;
    ///
    /// let error = BudgetsFile::parse("budgets.toml", "[[budgets]]\nscope = 'tenant:acme/agnet:bot'\namount = '$5'\n");
    /// assert_eq!(
    ///     error.unwrap_err().to_string(),
    ///     "budgets.toml:2: the scope is \"agnet:bot\" in \"tenant:acme/agnet:bot\"; \
    ///      write a level below tenant: one of workspace, app, workflow, agent, toolset",
    /// );
    /// ```
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn parse(name: &str, text: &str) -> Result<Self, BudgetsFileError> {
        parse::parse(name, text)
    }

    /// The tenants.
    pub fn tenants(&self) -> &[TenantEntry] {
        &self.tenants
    }

    /// The API keys. Only a program that starts an authority can use them: the admin plane makes keys of its own.
    pub fn api_keys(&self) -> &[ApiKeyEntry] {
        &self.api_keys
    }

    /// The budgets.
    pub fn budgets(&self) -> &[BudgetEntry] {
        &self.budgets
    }

    /// The policies.
    pub fn policies(&self) -> &[PolicyEntry] {
        &self.policies
    }

    /// Whether an authority that starts with this file applies policies. Other servers decide for themselves.
    pub fn evaluates_policies(&self) -> bool {
        self.evaluate_policies
    }

    /// Whether an authority that starts with this file looks at the permissions of keys. Other servers decide for themselves.
    pub fn enforces_permissions(&self) -> bool {
        self.enforce_permissions
    }

    /// Whether an authority that starts with this file speaks the extensions of protocol v0.1.26: it says so, or a policy or tenant of
    /// it needs them. Other servers decide for themselves.
    pub fn uses_protocol_extensions(&self) -> bool {
        let by_policy = self.policies.iter().any(|policy| policy.action_rules.is_some());
        self.protocol_extensions || by_policy || self.tenants.iter().any(|tenant| tenant.observe_mode.is_some())
    }
}
