//! The admin plane.

mod budgets;
mod funding;
mod keys;
mod policies;
mod tenants;

use runcycles_authority::AuthorityBuilder;
use serde_json::{Value, json};

use crate::support::{Caller, Reply, World, tokens as tokens_json, with};

const ADMIN_KEY: &str = "admin-secret";
const BOT: &str = "tenant:acme/agent:bot";
const BOT_QUERY: &str = "scope=tenant:acme/agent:bot&unit=TOKENS";

/// A world with an admin key, and somebody who has it.
struct Office {
    world: World,
    operator: Caller,
}

impl Office {
    fn new(set_up: impl FnOnce(AuthorityBuilder) -> AuthorityBuilder) -> Self {
        let world = World::new(|builder| set_up(builder.admin_key(ADMIN_KEY)));
        let operator = Caller::operator(&world.authority, ADMIN_KEY);
        Self { world, operator }
    }

    /// A caller with a key that was made over the admin plane.
    fn key_with(&self, permissions: &Value) -> (Caller, String) {
        let body = json!({"tenant_id": "acme", "name": "k", "permissions": permissions});
        let key = self.operator.post("/v1/admin/api-keys", &body).ok();
        let secret = key["key_secret"].as_str().expect("a secret");
        (Caller::with_key(&self.world.authority, secret), key["key_id"].as_str().expect("an id").to_owned())
    }

    fn fund(&self, operation: &str, amount: u64, more: Value) -> Reply {
        let body = with(json!({"operation": operation, "amount": tokens_json(amount)}), more);
        self.operator.post(&format!("/v1/admin/budgets/fund?{BOT_QUERY}&tenant_id=acme"), &body)
    }
}

fn new_budget(scope: &str, allocated: u64) -> Value {
    json!({"tenant_id": "acme", "scope": scope, "unit": "TOKENS", "allocated": tokens_json(allocated)})
}
