//! The console.

use serde_json::json;

use super::check;

#[test]
fn console() {
    check(
        |e| {
            (
                e.has_console(),
                e.deploys_console(true),
                e.deploys_console(false),
            )
        },
        vec![
            (json!({}), (true, true, true)),
            (
                json!({ "consolePlugin": { "enable": false } }),
                (false, false, false),
            ),
            (
                json!({ "consolePlugin": { "standalone": false } }),
                (true, true, false),
            ),
            (
                json!({ "loki": { "enable": false, "mode": "Manual" } }),
                (true, true, true),
            ),
            (
                json!({ "loki": { "enable": false, "mode": "Manual" }, "prometheus": { "querier": { "enable": false, "mode": "Auto" } } }),
                (false, false, false),
            ),
            (
                json!({ "execution": { "mode": "OnHold" } }),
                (true, false, false),
            ),
        ],
    );
    check(
        |e| {
            (
                e.is_console_standalone(true),
                e.is_console_standalone(false),
            )
        },
        vec![
            (json!({}), (false, true)),
            (
                json!({ "consolePlugin": { "standalone": true } }),
                (true, true),
            ),
            (
                json!({ "consolePlugin": { "standalone": false } }),
                (false, false),
            ),
        ],
    );
    check(
        |e| {
            (
                e.registers_console(),
                e.console_port(),
                e.console_replicas(),
            )
        },
        vec![
            (json!({}), (true, 9001, Some(1))),
            (
                json!({ "consolePlugin": { "replicas": 0, "advanced": { "register": false, "port": 9010 } } }),
                (false, 9010, Some(0)),
            ),
            (
                json!({ "consolePlugin": { "unmanagedReplicas": true } }),
                (true, 9001, None),
            ),
            (
                json!({ "consolePlugin": { "autoscaler": { "status": "Enabled" } } }),
                (true, 9001, None),
            ),
        ],
    );
}
