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

impl Scope {
    /// A level's value for text of any characters, such as an address: different texts have different values, also for servers
    /// that compare values without regard to case.
    ///
    /// Small ASCII letters, digits, `.` and `-` stand for themselves, and any other byte of the text for `_` and its two
    /// hexadecimal digits. The value may have at most 128 characters, which is checked where a request is made from it.
    ///
    /// ```
    /// use runcycles::Scope;
    ///
    /// assert_eq!(Scope::encode("jane@acme.com"), "jane_40acme.com");
    /// assert_eq!(Scope::decode("jane_40acme.com").as_deref(), Some("jane@acme.com"));
    /// assert!(Scope::agent(Scope::encode("auth0|Jane")).validate().is_ok());
    /// ```
    pub fn encode(text: &str) -> String {
        let mut value = String::with_capacity(text.len());
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' => value.push(byte.into()),
                other => {
                    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
                    value.extend(['_', digit(other >> 4), digit(other & 15)]);
                }
            }
        }
        value
    }

    /// The text that [`encode`](Self::encode) made a value of; `None` for what it never makes.
    pub fn decode(value: &str) -> Option<String> {
        let mut bytes = Vec::with_capacity(value.len());
        let mut rest = value.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'_' => {
                    let mut digit = || char::from(rest.next()?).to_digit(16);
                    u8::try_from(digit()? * 16 + digit()?).ok()?
                }
                other => other,
            });
        }
        let text = String::from_utf8(bytes).ok()?;
        (Self::encode(&text) == value).then_some(text)
    }
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
