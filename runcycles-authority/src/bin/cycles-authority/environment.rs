//! What a client needs to know, ready to paste into a shell.

use std::fmt::Write as _;

use crate::config::Setup;

/// The address and the environment of a client; makes keys for tenants where none were given.
pub(crate) fn describe(url: &str, setup: &Setup, make_key: impl Fn(&str) -> String) -> String {
    let mut keys: Vec<_> = setup.api_keys().iter().map(|given| (given.tenant.clone(), given.key.clone())).collect();
    if keys.is_empty() {
        keys = setup.tenants().into_iter().map(|tenant| (tenant.clone(), make_key(&tenant))).collect();
    }
    let mut text = format!("cycles-authority is ready at {url}\n\nexport CYCLES_BASE_URL={url}\n");
    for (at, (tenant, key)) in keys.iter().enumerate() {
        // The first tenant is the one that pasting leaves in the environment.
        let prefix = if at == 0 { "" } else { "# " };
        let _ = write!(text, "{prefix}export CYCLES_API_KEY={key}\n{prefix}export CYCLES_TENANT={tenant}\n");
    }
    if let Some(key) = setup.admin_key() {
        let _ = writeln!(text, "export CYCLES_ADMIN_KEY={key}");
    }
    if keys.is_empty() && setup.admin_key().is_none() {
        text.push_str("# Nobody can do anything yet: give a --budget, or an --admin-key to make budgets with.\n");
    }
    text
}
