//! Subscriptions to events.

use std::sync::Arc;

use runcycles::webhooks::{EventType, SystemData, WebhookLifecycle};
use serde_json::json;

use super::tenants::find_open;
use super::{AdminRefusal, Page, Paging};
use crate::clock::Millis;
use crate::engine::{Command, SortValue};
use crate::state::{News, SYSTEM, State, Subscription, SubscriptionStatus};

/// Whose subscriptions somebody may see: everybody's where none is named.
pub(crate) type Owner<'a> = Option<&'a str>;

/// Adds a subscription of a tenant that is open, or of the operators.
pub(crate) struct CreateSubscription {
    pub(crate) row: Subscription,
}

impl Command for CreateSubscription {
    type Outcome = Result<Subscription, AdminRefusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        if *self.row.tenant != *SYSTEM {
            find_open(state, &self.row.tenant)?;
        }
        let row = Subscription { created_at: now, ..self.row };
        state.insert_subscription(row.clone());
        tell(state, &row, EventType::WebhookCreated, None, &[]);
        Ok(row)
    }
}

/// Reads a subscription, whosever it is.
pub(crate) struct FindSubscription<'a> {
    pub(crate) id: &'a str,
}

impl Command for FindSubscription<'_> {
    type Outcome = Option<Subscription>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        state.subscriptions().get(self.id).cloned()
    }
}

/// Reads a subscription for who may see it.
pub(crate) struct ReadSubscription<'a> {
    pub(crate) id: &'a str,
    pub(crate) owner: Owner<'a>,
}

impl Command for ReadSubscription<'_> {
    type Outcome = Result<Subscription, AdminRefusal>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        find(state, self.id, self.owner)
    }
}

/// Changes a subscription.
pub(crate) struct ChangeSubscription<'a, F> {
    pub(crate) id: &'a str,
    pub(crate) owner: Owner<'a>,
    /// The members that change.
    pub(crate) changed: Vec<&'static str>,
    /// Makes the change, or says why it cannot be.
    pub(crate) change: F,
}

impl<F: FnOnce(&mut Subscription) -> Result<(), String>> Command for ChangeSubscription<'_, F> {
    type Outcome = Result<Subscription, AdminRefusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let mut row = find(state, self.id, self.owner)?;
        let before = row.status;
        (self.change)(&mut row).map_err(|message| AdminRefusal::Invalid { message })?;
        row.updated_at = Some(now);
        let after = row.status;
        state.insert_subscription(row.clone());
        let event_type = match (before, after) {
            (before, after) if before == after => EventType::WebhookUpdated,
            (_, SubscriptionStatus::Active) => EventType::WebhookResumed,
            _ => EventType::WebhookPaused,
        };
        tell(state, &row, event_type, Some(before), &self.changed);
        Ok(row)
    }
}

/// Deletes a subscription.
pub(crate) struct DeleteSubscription<'a> {
    pub(crate) id: &'a str,
    pub(crate) owner: Owner<'a>,
}

impl Command for DeleteSubscription<'_> {
    type Outcome = Result<(), AdminRefusal>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        let row = find(state, self.id, self.owner)?;
        let mut data = lifecycle(&row);
        data.previous_status = Some(row.status.as_str().to_owned());
        data.new_status = None;
        state.tell(News::of(EventType::WebhookDeleted, Arc::clone(&row.tenant), &data));
        state.remove_subscription(self.id);
        Ok(())
    }
}

/// Disables a subscription whose deliveries fail.
pub(crate) struct DisableSubscription<'a> {
    pub(crate) id: &'a str,
}

impl Command for DisableSubscription<'_> {
    type Outcome = ();

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let Some(mut row) = state.subscriptions().get(self.id).filter(|row| row.is_active()).cloned() else { return };
        let before = row.status;
        row.status = SubscriptionStatus::Disabled;
        row.updated_at = Some(now);
        state.insert_subscription(row.clone());
        let mut data = lifecycle(&row);
        data.previous_status = Some(before.as_str().to_owned());
        data.disable_reason = Some("consecutive_failures_exceeded_threshold".to_owned());
        state.tell(News::of(EventType::WebhookDisabled, Arc::clone(&row.tenant), &data).own());
    }
}

/// Tells that a delivery was given up.
pub(crate) struct TellOfFailure<'a> {
    pub(crate) id: &'a str,
    pub(crate) event_id: &'a str,
    pub(crate) error: &'a str,
    pub(crate) attempts: u32,
}

impl Command for TellOfFailure<'_> {
    type Outcome = ();

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        let mut data = SystemData::new();
        data.component = Some("webhook_dispatcher".to_owned());
        data.severity = Some("warning".to_owned());
        data.message = Some(format!("a delivery was given up after {} attempts: {}", self.attempts, self.error));
        let details = json!({ "subscription_id": self.id, "event_id": self.event_id, "attempts": self.attempts });
        data.details = details.as_object().cloned();
        state.tell(News::of(EventType::SystemWebhookDeliveryFailed, SYSTEM, &data).own());
    }
}

/// Reads a page of subscriptions, the latest first.
pub(crate) struct ListSubscriptions<'a> {
    pub(crate) owner: Owner<'a>,
    pub(crate) status: Option<SubscriptionStatus>,
    pub(crate) event_type: Option<&'a str>,
    /// Lower-case text that the id or the URL has.
    pub(crate) search: Option<String>,
    pub(crate) paging: Paging,
}

impl Command for ListSubscriptions<'_> {
    type Outcome = Page<Subscription>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        let matches = |text: &String, row: &Subscription| {
            row.id.to_lowercase().contains(text) || row.url.to_lowercase().contains(text)
        };
        let rows = state.subscriptions().iter().filter(|row| {
            self.owner.is_none_or(|owner| owner == &*row.tenant)
                && self.status.is_none_or(|status| status == row.status)
                && self.event_type.is_none_or(|wanted| row.event_types.iter().any(|asked| asked == wanted))
                && self.search.as_ref().is_none_or(|text| matches(text, row))
        });
        self.paging.cut(rows, |row| (SortValue::Number(row.created_at), row.id.to_string()))
    }
}

/// Disables what a tenant subscribed to, as it is closed.
pub(super) fn disable_all_of(state: &mut State, tenant: &str, now: Millis) {
    let theirs = state.subscriptions().iter().filter(|row| *row.tenant == *tenant);
    let theirs: Vec<_> = theirs.filter(|row| row.status != SubscriptionStatus::Disabled).cloned().collect();
    for mut row in theirs {
        let mut data = runcycles::webhooks::TenantCascade::new();
        data.subscription_id = Some(row.id.to_string());
        data.name.clone_from(&row.name);
        data.prior_status = Some(row.status.as_str().to_owned());
        data.new_status = Some(SubscriptionStatus::Disabled.as_str().to_owned());
        data.cascade_reason = Some("tenant_closed".to_owned());
        state.tell(News::of(EventType::WebhookDisabledViaTenantCascade, tenant, &data));
        row.status = SubscriptionStatus::Disabled;
        row.updated_at = Some(now);
        state.insert_subscription(row);
    }
}

/// The subscription of an id, as far as somebody may see it: those of others are not there.
fn find(state: &State, id: &str, owner: Owner<'_>) -> Result<Subscription, AdminRefusal> {
    let found = state.subscriptions().get(id).filter(|row| owner.is_none_or(|owner| owner == &*row.tenant));
    found.cloned().ok_or_else(|| AdminRefusal::SubscriptionNotFound { id: id.to_owned() })
}

fn lifecycle(row: &Subscription) -> WebhookLifecycle {
    let mut data = WebhookLifecycle::new();
    data.subscription_id = Some(row.id.to_string());
    data.tenant_id = Some(row.tenant.to_string());
    data.new_status = Some(row.status.as_str().to_owned());
    data
}

fn tell(
    state: &mut State,
    row: &Subscription,
    event_type: EventType,
    before: Option<SubscriptionStatus>,
    changed: &[&str],
) {
    let mut data = lifecycle(row);
    data.previous_status = before.map(|status| status.as_str().to_owned());
    if event_type == EventType::WebhookUpdated {
        data.changed_fields = changed.iter().map(ToString::to_string).collect();
    }
    state.tell(News::of(event_type, Arc::clone(&row.tenant), &data));
}
