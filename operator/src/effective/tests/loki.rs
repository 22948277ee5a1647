//! Loki and its addresses.

use serde_json::json;

use super::check;
use crate::effective::Effective;

#[test]
fn loki() {
    check(
        |e| (e.uses_loki(), e.uses_demo_loki(), e.uses_embedded_store()),
        vec![
            (json!({}), (true, false, false)),
            (
                json!({ "loki": { "enable": false, "mode": "Embedded" } }),
                (false, false, false),
            ),
            (
                json!({ "loki": { "mode": "Monolithic", "monolithic": { "installDemoLoki": true } } }),
                (true, true, false),
            ),
            (
                json!({ "loki": { "mode": "Manual", "monolithic": { "installDemoLoki": true } } }),
                (true, false, false),
            ),
            (
                json!({ "loki": { "enable": false, "mode": "Monolithic", "monolithic": { "installDemoLoki": true } } }),
                (false, false, false),
            ),
            (
                json!({ "loki": { "mode": "Embedded" } }),
                (true, false, true),
            ),
        ],
    );
    let urls = |e: &Effective| {
        let connection = e.loki_connection();
        [
            connection.ingester_url,
            connection.querier_url,
            connection.status_url,
        ]
        .map(Option::unwrap_or_default)
    };
    let stack = "https://loki-gateway-http.netobserv.svc.cluster.local.:8080/api/logs/v1/network/";
    let status = "https://loki-query-frontend-http.netobserv.svc.cluster.local.:3100/";
    check(
        urls,
        vec![
            (json!({}), ["http://loki:3100/"; 3].map(str::to_owned)),
            (
                json!({ "loki": { "mode": "LokiStack" } }),
                [stack, stack, status].map(str::to_owned),
            ),
            (
                json!({ "loki": { "mode": "Microservices" } }),
                [
                    "http://loki-distributor:3100/",
                    "http://loki-query-frontend:3100/",
                    "http://loki-query-frontend:3100/",
                ]
                .map(str::to_owned),
            ),
            (
                json!({ "loki": { "mode": "Manual", "manual": { "ingesterUrl": "http://i/" } } }),
                ["http://i/", "http://loki:3100/", ""].map(str::to_owned),
            ),
            (
                json!({ "loki": { "mode": "Monolithic", "monolithic": { "installDemoLoki": true, "url": "http://x/" } } }),
                ["http://loki:3100/", "http://loki:3100/", ""].map(str::to_owned),
            ),
            (
                json!({ "loki": { "mode": "Embedded" } }),
                ["", "", ""].map(str::to_owned),
            ),
        ],
    );
}
