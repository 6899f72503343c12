//! The scope builder.

use std::fmt;

use crate::protocol::{Level, Subject};

/// Starts a scope: where an action belongs in the budget hierarchy of tenant, workspace, app, workflow, agent and toolset.
///
/// A scope starts at any level, so it always has one; methods of [`Subject`] with the levels' names add others, in any
/// order, and levels may be skipped. Values are checked where a request is made from them. What a call leaves out is
/// filled, level by level, from the ambient scope and then from the client's defaults.
///
/// ```
/// use runcycles::Scope;
///
/// let scope = Scope::tenant("acme").workspace("prod").agent("support-bot").dimension("run", "run-42");
/// assert_eq!(scope.to_string(), "tenant:acme/workspace:prod/agent:support-bot");
///
/// let error = Scope::agent("jane@acme.com").validate().unwrap_err();
/// assert_eq!(error.field(), "subject.agent");
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Scope {}

/// Declares how a scope starts at each level, and how the level is added to one.
macro_rules! levels {
    ($( $level:ident, $variant:ident, $what:literal; )*) => {
        impl Scope {
            $(
                #[doc = concat!("A scope of ", $what, ".")]
                pub fn $level(value: impl Into<String>) -> Subject {
                    Subject::default().$level(value)
                }
            )*
        }

        impl Subject {
            $(
                #[doc = concat!("Sets the level `", stringify!($level), "`: ", $what, ".")]
                pub fn $level(mut self, value: impl Into<String>) -> Self {
                    *self.level_mut(Level::$variant) = Some(value.into());
                    self
                }
            )*
        }
    };
}

levels! {
    tenant, Tenant, "the organisation that owns the budgets";
    workspace, Workspace, "a team, environment or department";
    app, App, "an application";
    workflow, Workflow, "a workflow, conversation or run";
    agent, Agent, "one agent or user";
    toolset, Toolset, "a group of tools or models";
}

impl Subject {
    /// Adds a name and value for reporting. Dimensions cap nothing on an authority of protocol v0.
    pub fn dimension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.dimensions.insert(name.into(), value.into());
        self
    }
}

impl fmt::Display for Subject {
    /// The levels as a path, outermost first, such as `tenant:acme/agent:bot`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for level in Level::ALL {
            if let Some(value) = self.level(level) {
                write!(f, "{separator}{level}:{value}")?;
                separator = "/";
            }
        }
        Ok(())
    }
}
