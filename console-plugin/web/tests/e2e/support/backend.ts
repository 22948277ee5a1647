//! Starts the real back end with the flow store on free ports in a folder of its own. Who: the browser tests.
//! **Invariant:** what was started is stopped and its folder removed, also when a test fails.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pushBody, type FlowLine } from './traffic';

const START_DEADLINE_MS = 60_000;
const crate = fileURLToPath(new URL('../../../../', import.meta.url));
const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

const binary = (): string => {
  const target = process.env.CARGO_TARGET_DIR ?? join(homedir(), '.cache/netobserv/target');
  const built = ['release', 'debug'].map(profile => join(target, profile, 'plugin-backend')).filter(existsSync);
  // The newest is what the person at work has just built.
  const found = process.env.PLUGIN_BACKEND ?? built.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  if (!found) {
    throw new Error(`no plugin-backend in ${target}: run "cargo build" in console-plugin, or set PLUGIN_BACKEND`);
  }
  return found;
};

export interface Backend {
  page: string;
  push: (lines: FlowLine[]) => Promise<void>;
  stop: () => Promise<void>;
}

const listening = (child: ChildProcess): Promise<{ page: string; push: string }> =>
  new Promise((resolve, reject) => {
    let log = '';
    const timer = setTimeout(() => reject(new Error(`plugin-backend did not start:\n${log}`)), START_DEADLINE_MS);
    const read = (chunk: Buffer) => {
      log += chunk.toString();
      // Whole lines: the last one may have come in part.
      const told = log.slice(0, log.lastIndexOf('\n') + 1).replace(ESCAPES, '');
      const [page, push] = [/ page=(\S+)/.exec(told)?.[1], / push=(\S+)/.exec(told)?.[1]];
      if (page && push) {
        clearTimeout(timer);
        resolve({ page, push });
      }
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('exit', code => reject(new Error(`plugin-backend ended with ${code}:\n${log}`)));
  });

export const startBackend = async (): Promise<Backend> => {
  const folder = await mkdtemp(join(tmpdir(), 'netobserv-web-'));
  const file = join(folder, 'config.yaml');
  const config = {
    server: {
      port: 0,
      address: '127.0.0.1',
      metricsPort: 0,
      metricsAddress: '127.0.0.1',
      authCheck: 'none',
      staticPath: join(crate, 'web/dist')
    },
    store: { path: join(folder, 'store'), listen: '127.0.0.1:0' }
  };
  await writeFile(
    file,
    Object.entries(config)
      .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
      .join('')
  );
  await appendFile(file, await readFile(join(crate, 'config/onehost-frontend.yaml')));
  const child = spawn(binary(), ['--config', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>(resolve => child.on('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const { page, push } = await listening(child);
    return {
      page: `http://${page}`,
      push: async lines => {
        const response = await fetch(`http://${push}/loki/api/v1/push`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: pushBody(lines)
        });
        if (response.status !== 204) {
          throw new Error(`push: ${response.status} ${await response.text()}`);
        }
      },
      stop
    };
  } catch (error) {
    await stop();
    throw error;
  }
};
