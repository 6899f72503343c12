//! What happens to a guarded call in the cases that an application decides.

use std::str::FromStr;
use std::time::Duration;

use super::config::CyclesConfig;
use crate::error::ConfigError;

/// What becomes of a hold whose action ended by an error, a panic or cancellation and left nothing known about its cost.
///
/// It plays no part where the cost is known: what an action [recorded](crate::Context::record_usage) or
/// [set](crate::Context::set_actual) is committed. It plays none either where an action succeeds: that is committed for what it
/// reported, or else for its estimate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnknownSpend {
    /// The hold is returned: what fails is taken to cost nothing.
    #[default]
    Release,
    /// The estimate is committed. Its metadata says so: `actual_source` is `estimate`, and `settled_after` is `error`,
    /// `cancellation` or `panic`.
    ChargeEstimate,
    /// Nothing is sent. The hold lapses with its time to live, and until then keeps its budget from others; operators are told.
    Hold,
}

/// What becomes of a guarded call whose reservation is lost while its action runs: the heartbeat has ended, and no time is left
/// as far as is known. The settlement is made in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeartbeatPolicy {
    /// Operators are told, and the call goes on as if nothing had happened.
    #[default]
    Warn,
    /// The action goes on to its end and is settled; a call that succeeded then returns
    /// [`Error::LeaseLost`](crate::Error::LeaseLost) in place of its value.
    FailOnFinalize,
    /// The action is dropped and settled by what it has told so far, as if the call's future had been dropped. The call returns
    /// [`Error::LeaseLost`](crate::Error::LeaseLost).
    Cancel,
}

/// What a guarded call returns whose action succeeded and whose settlement is not confirmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnUnsettled {
    /// The action's value. What became of the settlement goes to operators, counters and the hook.
    #[default]
    Value,
    /// [`Error::Unsettled`](crate::Error::Unsettled) in place of the value.
    Error,
}

/// Whether guarded calls are held to what the authority says.
///
/// A client has a mode, and a call may have one of its own; the more lenient of both holds, so that `CYCLES_MODE` switches every
/// call of a process off without a new build. In any mode but [`Enforce`](Self::Enforce) the action always runs: it has a context
/// of its own, and nothing is held, nothing is extended and nothing is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Mode {
    /// Nobody is asked.
    Off,
    /// The authority is asked what it would say, and operators are told; nothing is recorded with it. Balances never move by
    /// this, so a budget that would be used up over many calls is not seen to be.
    Shadow,
    /// The same, and what the action cost is recorded by an event, so that balances move as if calls were enforced. The event is
    /// charged as far as budgets have it (`ALLOW_IF_AVAILABLE`), whatever the tenant's policy: a trial leaves no debt.
    /// [`Budget::shadow_report`](crate::Budget::shadow_report) tells what enforcement would have done.
    ShadowMetered,
    /// An action runs only where the authority allows it.
    #[default]
    Enforce,
}

/// What becomes of a call that is denied by a decision, where only tenants in observe mode are (protocol v0.1.26: `observe_mode`):
/// everywhere else a reservation is denied by an error.
///
/// Operators put a tenant in observe mode to see what limits would deny before they hold. Whether their calls then run is for the
/// application to say, since a server of another make may deny by a decision too. A call that asks to be observed itself
/// ([`Reserve::observe_mode`](crate::Reserve::observe_mode)) always runs, and a [`Mode`] asks for no hold in the first place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ObservedDenial {
    /// It does not run: a denial is a denial, however it arrives.
    #[default]
    Deny,
    /// It runs with nothing held, and its guard tells the decision. Operators are told.
    Run,
}

/// Declares the words that stand for a policy in variables and in the attribute.
macro_rules! words {
    ($( $policy:ty { $( $word:literal => $variant:ident ),* } )*) => { $(
        impl FromStr for $policy {
            type Err = ConfigError;

            fn from_str(word: &str) -> Result<Self, ConfigError> {
                match word {
                    $( $word => Ok(Self::$variant), )*
                    _ => Err(ConfigError::new(
                        stringify!($policy),
                        format!("{word:?} is no such policy"),
                        concat!("write one of:", $( " ", $word ),*),
                    )),
                }
            }
        }
    )* };
}

words! {
    UnknownSpend { "release" => Release, "charge_estimate" => ChargeEstimate, "hold" => Hold }
    HeartbeatPolicy { "warn" => Warn, "fail_on_finalize" => FailOnFinalize, "cancel" => Cancel }
    OnUnsettled { "value" => Value, "error" => Error }
    ObservedDenial { "deny" => Deny, "run" => Run }
    Mode { "off" => Off, "shadow" => Shadow, "shadow_metered" => ShadowMetered, "enforce" => Enforce }
}

/// What a call says of its own; the client's settings say the rest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CallPolicies {
    pub(crate) unknown_spend: Option<UnknownSpend>,
    pub(crate) heartbeat: Option<HeartbeatPolicy>,
    pub(crate) on_unsettled: Option<OnUnsettled>,
    /// How long the action will take.
    pub(crate) planned: Option<Duration>,
}

impl CallPolicies {
    pub(crate) fn unknown_spend(&self, config: &CyclesConfig) -> UnknownSpend {
        self.unknown_spend.unwrap_or(config.unknown_spend)
    }

    pub(crate) fn heartbeat(&self, config: &CyclesConfig) -> HeartbeatPolicy {
        self.heartbeat.unwrap_or(config.heartbeat)
    }

    pub(crate) fn on_unsettled(&self, config: &CyclesConfig) -> OnUnsettled {
        self.on_unsettled.unwrap_or(config.on_unsettled)
    }
}
