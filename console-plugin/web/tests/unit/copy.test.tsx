import { fireEvent, render, screen } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import { CopyNotice } from '../../src/components/CopyNotice';
import { CopyProvider, useCopy } from '../../src/hooks/use-copy';

const Copier = ({ text }: { text: string }) => {
  const copy = useCopy();
  return <button onClick={() => copy(text)}>copy</button>;
};

const ALLOWED = () => Promise.resolve();
const FORBIDDEN = () => Promise.reject(new Error('not allowed'));

// jsdom has neither.
afterEach(() => {
  Reflect.deleteProperty(navigator, 'clipboard');
  Reflect.deleteProperty(document, 'execCommand');
});

it.each<[what: string, writeText: (() => Promise<void>) | undefined, commandWorks: boolean, by: string, word: RegExp]>([
  ['a clipboard', ALLOWED, true, 'clipboard', /Copied/],
  ['no clipboard, as over plain http', undefined, true, 'command', /Copied/],
  ['a clipboard that is forbidden', FORBIDDEN, true, 'command', /Copied/],
  ['nothing that copies', undefined, false, '', /does not let the page copy/]
])('copies with %s, says how it went, and gives the focus back', async (_what, writeText, commandWorks, by, word) => {
  const copied: [by: string, text: string][] = [];
  const clipboard = writeText && {
    writeText: (text: string) => writeText().then(() => void copied.push(['clipboard', text]))
  };
  Object.defineProperty(navigator, 'clipboard', { value: clipboard, configurable: true });
  document.execCommand = () => {
    const source = document.activeElement as HTMLTextAreaElement;
    if (commandWorks) {
      copied.push(['command', source.value.slice(source.selectionStart, source.selectionEnd)]);
    }
    return commandWorks;
  };
  const page = render(
    <CopyProvider>
      <Copier text={'10.0.0.1\n10.0.0.2'} />
      <CopyNotice />
    </CopyProvider>
  );
  const button = screen.getByRole('button');
  button.focus();
  fireEvent.click(button);
  expect(screen.getByRole('status').contains(await screen.findByText(word))).toBe(true);
  expect(copied).toEqual(by ? [[by, '10.0.0.1\n10.0.0.2']] : []);
  expect(document.activeElement).toBe(button);
  expect(document.querySelectorAll('textarea')).toHaveLength(0);
  page.unmount();
});
