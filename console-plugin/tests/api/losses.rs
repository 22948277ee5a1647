//! What the page is told of flows that it cannot show.

use crate::console::Console;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_hour_of_a_damaged_file_is_unaccounted_also_after_a_restart() {
    let mut folder = tempfile::tempdir().unwrap();
    let hour = folder.path().join("store/flows/2026-11-24T05");
    std::fs::create_dir_all(&hour).unwrap();
    std::fs::write(hour.join("0000000001-0000000001.parquet"), "PAR1").unwrap();
    let from = 1_795_496_400_i64;
    for _ in 0..2 {
        let console =
            Console::start_in(folder, "address: 127.0.0.1, authCheck: none", "876000h", "").await;
        for (start, end, is_told) in [
            (from - 60, from - 1, false),
            (from - 60, from, true),
            (from + 3599, from + 7200, true),
            (from + 3600, from + 7200, false),
        ] {
            let path = format!("/api/losses?startTime={start}&endTime={end}");
            let told = console.get(&path).await.json()["unaccounted"].clone();
            let expected = json!([{
                "component": "flow store", "from": from * 1000, "to": (from + 3600) * 1000,
            }]);
            let expected = if is_told { expected } else { json!([]) };
            assert_eq!(told, expected, "{start} to {end}");
        }
        console.app.stop().await;
        folder = console.folder;
    }
}
