//! What can be named in files and on the command line: environments and kinds of stages. A new one is one line here.

use lam_env::Environments;
use lam_pipeline::{Code, Registry};

/// The environments.
pub fn environments() -> Environments {
    Environments::new()
        .with(lam_env_sim::SimProvider)
        .with(lam_env_web::WebProvider)
        .with(lam_env_desktop::DesktopProvider)
        .with(lam_env_remote::RemoteProvider)
}

/// Every kind of stage.
pub fn registry() -> Registry {
    let registry = Registry::new(environments(), Code::default());
    let registry = lam_collect::register(registry);
    let registry = lam_base::register(registry);
    let registry = lam_phase1_pretrain::register(registry);
    let registry = lam_phase2_imitate::register(registry);
    let registry = lam_phase3_explore::register(registry);
    let registry = lam_phase4_reinforce::register(registry);
    let registry = lam_eval::register(registry);
    lam_export::register(registry)
}
