//! What one run of each workflow may spend.

use std::borrow::Cow;

use super::run::{Run, StartRun};
use crate::admin::Admin;
use crate::call::ScopeValue;
use crate::protocol::{Amount, ValidationError};
use crate::scope::Scope;

/// What one run of each workflow may spend. A workflow without a cap does not start: new ones are given a budget before they are
/// deployed. Needs the feature `admin`.
///
/// [`workflow_caps!`](crate::workflow_caps) writes them down in a program; they can be collected from pairs of a name and an
/// amount too.
///
/// ```
/// use runcycles::{Error, WorkflowCaps, admin::Admin, cycles, usd, workflow_caps};
/// use runcycles_authority::Authority;
///
/// static CAPS: WorkflowCaps = workflow_caps! { "code-review" => usd!(2), "summarization" => usd!(5) };
///
/// #[cycles(usd!(0.10), "llm.completion")]
/// async fn review(diff: &str) -> Result<(), Error> {
///     Ok(())
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let authority = Authority::builder().tenant("acme").admin_key("secret").start().await?;
/// let admin = Admin::builder("secret", "http://authority").transport(authority.transport()).build();
/// let client = authority.client("acme");
///
/// let run = CAPS.start(&admin, "code-review", "run-42").client(&client).await?;
/// run.scope(review("+ a line")).await?;
/// assert_eq!(run.path().as_str(), "tenant:acme/workflow:code-review/agent:run-42");
///
/// let unknown = CAPS.start(&admin, "deep-research", "run-43").client(&client).await.unwrap_err();
/// assert_eq!(
///     unknown.to_string(),
///     "invalid workflow: found \"deep-research\", expected a workflow with a cap: code-review or summarization; \
///      give a new one a cap before it runs"
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct WorkflowCaps {
    caps: Cow<'static, [Cap]>,
}

/// A workflow and the cap of its runs.
type Cap = (Cow<'static, str>, Amount);

impl WorkflowCaps {
    /// Caps that are written down in a program.
    ///
    /// # Panics
    ///
    /// Where a workflow stands twice, which is an error of the compiler in a constant.
    #[doc(hidden)]
    pub const fn from_static(caps: &'static [Cap]) -> Self {
        let mut at = 0;
        while at < caps.len() {
            let mut other = 0;
            while other < at {
                if let (Cow::Borrowed(one), Cow::Borrowed(other)) = (&caps[at].0, &caps[other].0) {
                    assert!(!is_same(one, other), "a workflow has one cap: one stands here twice");
                }
                other += 1;
            }
            at += 1;
        }
        Self { caps: Cow::Borrowed(caps) }
    }

    /// Starts a run of a workflow under its cap: a [`Run`] in the scope of the workflow and, as its agent, of the run. A budget of
    /// the workflow itself, where it has one, caps all of its runs together.
    ///
    /// # Errors
    ///
    /// Awaiting it gives [`Error::Validation`](crate::Error::Validation) for a workflow without a cap, before anything is sent.
    pub fn start(&self, admin: &Admin, workflow: &str, run: impl ScopeValue) -> StartRun {
        match (self.cap(workflow), run.scope_value()) {
            (Some(cap), Some(run)) => {
                let scope = Scope::workflow(workflow).agent(&run).dimension("run", run);
                Run::start(admin, scope).budget(cap.clone())
            }
            (None, _) => StartRun::new(admin, Err(self.unknown(workflow))),
            (_, None) => StartRun::new(admin, Err(ValidationError::new("run", "none", "the id of a run"))),
        }
    }

    /// What a run of a workflow may spend.
    pub fn cap(&self, workflow: &str) -> Option<&Amount> {
        self.caps.iter().find(|(name, _)| name == workflow).map(|(_, cap)| cap)
    }

    fn unknown(&self, workflow: &str) -> ValidationError {
        let mut known = String::new();
        for (at, (name, _)) in self.caps.iter().enumerate() {
            known.push_str(match at {
                0 => "",
                at if at + 1 == self.caps.len() => " or ",
                _ => ", ",
            });
            known.push_str(name);
        }
        let expected = format!("a workflow with a cap: {known}; give a new one a cap before it runs");
        ValidationError::new("workflow", format!("{workflow:?}"), expected)
    }
}

/// Whether two names that stand in a program are the same.
const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

impl<N: Into<Cow<'static, str>>> FromIterator<(N, Amount)> for WorkflowCaps {
    /// Of two caps of one workflow, the first one counts.
    fn from_iter<I: IntoIterator<Item = (N, Amount)>>(caps: I) -> Self {
        Self { caps: caps.into_iter().map(|(name, cap)| (name.into(), cap)).collect() }
    }
}

/// What one run of each workflow may spend, written down in a program: a [`WorkflowCaps`] that may be a `static`.
///
/// A workflow that stands twice is an error of the compiler.
///
/// ```compile_fail
/// use runcycles::{WorkflowCaps, usd, workflow_caps};
///
/// static CAPS: WorkflowCaps = workflow_caps! { "chat" => usd!(1), "chat" => usd!(2) };
/// ```
#[macro_export]
macro_rules! workflow_caps {
    ($($workflow:literal => $cap:expr),+ $(,)?) => {
        const {
            const CAPS: &[(::std::borrow::Cow<'static, str>, $crate::Amount)] =
                &[$((::std::borrow::Cow::Borrowed($workflow), $cap)),+];
            $crate::WorkflowCaps::from_static(CAPS)
        }
    };
    ($($other:tt)*) => {
        compile_error!("expected workflows and the caps of their runs, such as `\"code-review\" => usd!(2)`")
    };
}
