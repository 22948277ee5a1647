//! Where what breaks ends. Who: the frame around a view, `Late` around what is loaded late.
//! **Invariant:** a part that fails to load or to draw does not take the rest of the page, and its way out, with it.
import { Component } from 'react';

interface Props {
  instead: (error: Error) => React.ReactNode;
  children: React.ReactNode;
}

export class Boundary extends Component<Props, { error?: Error }> {
  override state: { error?: Error } = {};

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    return this.state.error ? this.props.instead(this.state.error) : this.props.children;
  }
}
