//! Entry of the stand-alone page: styles, language, theme, and the page itself.
//! **Invariant:** the only place that imports PatternFly's global styles; inside the OpenShift console they are there.
import '@patternfly/react-core/dist/styles/base.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Page } from '../components/Page';
import '../styles/page.css';
import { startI18n } from './i18n';
import './standalone.css';
import { ThemeSwitch } from './ThemeSwitch';

void startI18n();

createRoot(document.getElementById('app')!).render(
  <StrictMode>
    <Page actions={<ThemeSwitch />} />
  </StrictMode>
);
