import { defineConfig } from 'vitest/config';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic' } },
  test: {
    environment: 'jsdom',
    include: ['tests/unit/**/*.test.{ts,tsx}'],
    setupFiles: ['tests/unit/setup.ts'],
    testTimeout: 120_000,
    // PatternFly's builds import styles and icons without extensions.
    server: { deps: { inline: [/@patternfly\/react-(icons|styles|core|table)/] } }
  }
});
