//! Who may call.

use crate::conformance::check::{Check, checks};
use crate::conformance::scene::{Scene, fresh};
use crate::conformance::wire::Verdict;

pub(super) const CHECKS: &[Check] = checks! {
    "C-01" Required "a call without a key is refused" => without_key;
    "C-02" Required "a call with an unknown key is refused" => unknown_key;
    "C-03" Required "a call with a revoked key is refused" => revoked_key;
};

async fn without_key(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 10).await?;
    for call in scene.every_operation(&agent, &hold) {
        call.without_key().refused(401, "UNAUTHORIZED").await?;
    }
    Ok(())
}

async fn unknown_key(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 10).await?;
    for call in scene.every_operation(&agent, &hold) {
        call.api_key(&fresh("cyc_live_unknown")).refused(401, "UNAUTHORIZED").await?;
    }
    Ok(())
}

async fn revoked_key(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 10).await?;
    let provisioner = &scene.target.provisioner;
    let key = provisioner.create_key(&scene.acme.tenant).await?;
    scene.balances(&agent).api_key(&key.secret).ok().await?;

    provisioner.revoke_key(&key).await?;

    for call in scene.every_operation(&agent, &hold) {
        call.api_key(&key.secret).refused(401, "UNAUTHORIZED").await?;
    }
    Ok(())
}
