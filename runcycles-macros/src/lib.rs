//! The `#[cycles]` attribute of the `runcycles` crate, which re-exports it as `runcycles::cycles`. Depend on `runcycles`:
//! the attribute expands to names of that crate.

mod args;
mod body;
mod closure;
mod estimate;
mod expand;
mod function;
mod key;
mod limits;
mod literal;
mod names;
mod scope_value;
mod stream;
mod validate;

use proc_macro::TokenStream;

/// Runs the function's body only after an authority has reserved what it may cost, and settles afterwards what it did cost.
///
/// The function returns a `Result<T, E>` with `E: From<runcycles::Error>`. Where the authority denies the reservation, the
/// body does not run and the caller gets the denial in `Err`. Where the body runs, its value or its error reaches the caller
/// as it is: `Ok` commits the actual amount, or else the estimate; `Err` releases the reservation.
///
/// The example is not compiled here, since `runcycles` depends on this crate; there it is.
///
/// ```ignore
/// #[cycles(usd!(0.02), "llm.completion", action_name = model, agent = user_id, actual = |reply| reply.cost())]
/// async fn chat(user_id: &str, model: &str, prompt: &str) -> Result<Reply, AgentError> {
///     Ok(ask(model, prompt).await?)
/// }
/// ```
///
/// # Arguments
///
/// The estimate and the action kind come first and go without a name, or anywhere with one. The order of the others is free.
///
/// | argument | meaning |
/// |---|---|
/// | `estimate` | what the action may cost: an `Amount`, or an integer in `unit`; or a tuple of two to four in different units, which are reserved together or not at all. Required |
/// | `allow_zero` | `true` where an action of a `toolset` may have an estimate of plain zero, which passes even an empty budget |
/// | `action_kind` | `<category>.<operation>`, such as `"llm.completion"`: text of 1 to 64 characters. Required |
/// | `action_name` | the model or tool: text of 1 to 256 characters; the function's name by default |
/// | `action_tags` | at most 10 texts of at most 64 characters: `["customer-facing"]` |
/// | `tenant`, `workspace`, `app`, `workflow`, `agent`, `toolset` | the levels of the scope, each a `ScopeValue`: text, an integer, a UUID, a type of your own, or an `Option`, of which `None` leaves the level out |
/// | `run` | the run that the call belongs to, a `ScopeValue`. It is the workflow, or the agent where there is a workflow, and so it has a budget there; and the dimension `run`, for reports |
/// | `require` | the levels that must have a budget of their own: `"agent"` or `["workflow", "agent"]`. Where one has none, nothing would cap the call there, and it fails with `Error::UnbudgetedScope` |
/// | `priority` | the tier among those that share the budgets: a `Priority`, or one of `"critical"`, `"high"`, `"normal"`, `"low"`, `"bulk"`. A lower tier leaves more of each budget to the others |
/// | `scope` | a whole scope: `Scope::workflow(run).agent(user)`. Levels and dimensions given beside it come first |
/// | `dimensions(name = value, …)` | names and values for reports, each a `ScopeValue`. They cap nothing |
/// | `actual` | what the action did cost: a closure or a function over `&T`, or an expression over `output`, which is that `&T`. It gives an `Amount`, or an integer in the unit of the estimate |
/// | | with an estimate in several units, a tuple of amounts in the same order |
/// | `metrics` | measurements that go with the commit: as `actual`, but it gives a `CyclesMetrics` |
/// | `metadata` | data that goes with the commit: as `actual`, but it gives pairs of names and JSON values: `[("model", model)]` |
/// | `fallback` | what the function returns where the budget says no (`Error::BudgetExceeded`); it may wait: `fallback = economy(prompt).await`. Where an operator says no (`Error::Blocked`), where the budget is one of risk points, or where the body fails, there is no fallback |
/// | `unknown` | what becomes of the hold where the body ends early at an unknown cost: an `UnknownSpend`, or one of `"release"`, `"charge_estimate"`, `"hold"`; the client's by default |
/// | `on_unsettled` | what the call returns where its settlement is not confirmed: an `OnUnsettled`, or `"value"` or `"error"`; the client's by default |
/// | `heartbeat` | what becomes of the call where its reservation is lost: a `HeartbeatPolicy`, or one of `"warn"`, `"fail_on_finalize"`, `"cancel"`; the client's by default |
/// | `planned` | how long the body will take, as `ttl`; operators are warned where no lease can last as long |
/// | `lease` | what the call takes from in place of reserving, where that has as much: a `Lease` or a reference to one. What the call leaves out of its scope is the lease's, and so is the client; a call of another scope or unit reserves by itself |
/// | `needs_authority` | `true` where the call never runs by what the client may spend while the authority cannot be reached (`OnUnavailable`): for what nobody can take back |
/// | `mode` | whether the call is held to what the authority says: a `Mode`, or one of `"enforce"`, `"shadow"`, `"shadow_metered"`, `"off"`; the client's holds where it is more lenient |
/// | `key` | what makes the same work ask for the same reservation, whoever does it: parts that are `ScopeValue`s, `(job, step)` |
/// | `client` | the client: a `CyclesClient` or a reference to one; by default the ambient one, then the default of the process |
/// | `ttl` | how long the reservation lives unless extended: a `Duration`, integer milliseconds, or text such as `"30s"`; 1 second to 24 hours |
/// | `grace_period` | how long after that a commit is still accepted, in the same forms; at most one minute |
/// | `overage_policy` | a `CommitOveragePolicy`, or one of `"REJECT"`, `"ALLOW_IF_AVAILABLE"`, `"ALLOW_WITH_OVERDRAFT"`; the tenant's by default |
/// | `unit` | a `Unit`, or one of `"USD_MICROCENTS"`, `"TOKENS"`, `"CREDITS"`, `"RISK_POINTS"`: what a bare integer counts. An estimate in another unit is an error |
///
/// What a call leaves out of the scope is filled from the ambient scope, then from the client's defaults.
///
/// # When arguments are evaluated
///
/// At every call, on the function's parameters, `self` included, before the body and before anything is reserved: where an
/// argument fails with `?` or panics, nothing is held. Parameters are borrowed, so `agent = user_id` leaves a `String` whole
/// for the body. Arguments do not wait: `.await` is an error in them.
///
/// On a function that gives a stream, `actual` says what one item costs, and is required.
///
/// `actual`, `metrics`, `metadata` and `fallback` are evaluated after the body, and see the parameters that the body does not
/// consume.
///
/// Values written as literals are checked while the program is compiled; all others where they are used, and a value that
/// cannot be used fails the call before anything is sent.
///
/// # Functions
///
/// Async functions and methods with any receiver, generics, lifetimes, `impl Trait` and patterns; methods of traits, with
/// `#[async_trait]` too; and functions that end in `async move { … }` or `Box::pin(async move { … })`. The future is `Send`
/// where the body's is.
///
/// Functions that return `impl Stream<Item = Result<T, E>>` or a boxed stream, and async functions that return one in `Ok`: the
/// stream is counted item by item as it flows, and cut before it delivers more than was authorised (`runcycles::metered`). A
/// plain function's body runs when the stream is polled first and its budget is reserved, and the stream keeps the parameters
/// until then; a denial is its only item.
///
/// Plain functions and methods, with the feature `blocking` of runcycles: they wait where they are called, and their body runs
/// on that thread.
///
/// The attribute stands above those that turn an async function into a plain one, such as `#[tokio::main]`.
#[proc_macro_attribute]
pub fn cycles(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::cycles(arguments.into(), &item.into()).into()
}

/// Implements `ScopeValue` for an enum whose variants have no fields, or for a struct with one field.
///
/// A variant's value is its name in lower case, with dashes between words, or what `#[scope_value("…")]` says. Values are checked
/// while the program is compiled. A struct has the value of its field.
///
/// ```ignore
/// #[derive(ScopeValue)]
/// enum Team {
///     Engineering,
///     #[scope_value("helpdesk")]
///     Support,
/// }
/// ```
#[proc_macro_derive(ScopeValue, attributes(scope_value))]
pub fn scope_value(input: TokenStream) -> TokenStream {
    scope_value::derive(input.into()).into()
}
