import { configure } from '@testing-library/react';
import { startI18n } from '../../src/standalone/i18n';

// Long enough for a machine that builds something else meanwhile.
configure({ asyncUtilTimeout: 20_000 });
void startI18n();

// What jsdom has not, and pages look for as soon as they are loaded or drawn: here no element has a size.
const noMedia = () => Object.assign(new EventTarget(), { matches: false });
Object.assign(window, { matchMedia: noMedia });
globalThis.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
