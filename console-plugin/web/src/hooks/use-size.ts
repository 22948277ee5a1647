//! The size of an element as it changes. Who: charts, topology. **Invariant:** whole pixels, one observer an element.
import { useLayoutEffect, useRef, useState } from 'react';

export const useSize = <T extends HTMLElement>(): [React.RefObject<T>, { width: number; height: number }] => {
  const element = useRef<T>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const target = element.current;
    if (!target) {
      return undefined;
    }
    const measure = () => {
      const next = { width: Math.floor(target.clientWidth), height: Math.floor(target.clientHeight) };
      setSize(old => (old.width === next.width && old.height === next.height ? old : next));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(target);
    return () => observer.disconnect();
  }, []);
  return [element, size];
};
