//! Copies a text to the clipboard. Who: every "Copy" of the page; `CopyNotice` shows how it went.
//! **Invariant:** it works over plain http too, where browsers offer no clipboard but the old command, and how it went
//! is always told.
import { createContext, useCallback, useContext, useMemo, useState } from 'react';

/** How the last copy went. */
export interface CopyOutcome {
  id: number;
  isCopied: boolean;
}

interface Copying {
  copy: (text: string) => void;
  outcome?: CopyOutcome;
  forget: () => void;
}

const copyByCommand = (text: string): boolean => {
  const focused = document.activeElement;
  const source = document.createElement('textarea');
  source.className = 'netobserv-copy-source';
  source.value = text;
  document.body.append(source);
  source.focus({ preventScroll: true });
  source.select();
  try {
    return document.execCommand('copy');
  } finally {
    source.remove();
    if (focused instanceof HTMLElement) {
      focused.focus({ preventScroll: true });
    }
  }
};

const copyText = async (text: string): Promise<boolean> => {
  // There is none outside of a secure context, whatever the types say.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  try {
    if (clipboard) {
      await clipboard.writeText(text);
      return true;
    }
  } catch {
    // Forbidden by a policy or the user: the command may still be allowed.
  }
  return copyByCommand(text);
};

const CopyContext = createContext<Copying | undefined>(undefined);

export const CopyProvider = ({ children }: { children: React.ReactNode }) => {
  const [outcome, setOutcome] = useState<CopyOutcome>();
  const copy = useCallback((text: string) => {
    void copyText(text).then(isCopied => setOutcome(previous => ({ id: (previous?.id ?? 0) + 1, isCopied })));
  }, []);
  const forget = useCallback(() => setOutcome(undefined), []);
  const value = useMemo(() => ({ copy, outcome, forget }), [copy, outcome, forget]);
  return <CopyContext.Provider value={value}>{children}</CopyContext.Provider>;
};

export const useCopying = (): Copying => {
  const copying = useContext(CopyContext);
  if (!copying) {
    throw new Error('useCopying needs a CopyProvider around it');
  }
  return copying;
};

export const useCopy = (): ((text: string) => void) => useCopying().copy;
