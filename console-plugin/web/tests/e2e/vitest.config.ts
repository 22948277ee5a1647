import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'node',
    include: ['tests/e2e/**/*.test.ts'],
    globalSetup: ['tests/e2e/support/setup.ts'],
    // One browser and one back end at a time: the machine may have two cores.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000
  }
});
