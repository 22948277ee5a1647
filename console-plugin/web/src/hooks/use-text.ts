//! Translated text. Who: every component. **Invariant:** keys are the English sentences themselves.
import { useTranslation } from 'react-i18next';

export const NAMESPACE = 'plugin__netobserv-plugin';

export const useText = () => useTranslation(NAMESPACE).t;

export type Translate = ReturnType<typeof useText>;
