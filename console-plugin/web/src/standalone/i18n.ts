//! Translations of the stand-alone page. Who: the entry point.
//! **Invariant:** English needs no request: the keys are the sentences, and only plurals come from the file.
import i18n from 'i18next';
import { initReactI18next } from 'react-i18next';
import english from '../../locales/en/plugin__netobserv-plugin.json';
import { NAMESPACE } from '../hooks/use-text';

export const startI18n = () =>
  i18n.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    ns: NAMESPACE,
    defaultNS: NAMESPACE,
    keySeparator: false,
    nsSeparator: '~',
    resources: { en: { [NAMESPACE]: english } },
    interpolation: { escapeValue: false },
    initAsync: false,
    showSupportNotice: false
  });
