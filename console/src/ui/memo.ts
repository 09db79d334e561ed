import { Component, type ComponentChild } from "preact";

/** A component that renders again only when one of its properties is another value. */
export function memo<P extends object>(render: (props: P) => ComponentChild) {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const names = Object.keys(next) as (keyof P)[];
      return names.some((name) => next[name] !== this.props[name]);
    }

    render(): ComponentChild {
      return render(this.props as P);
    }
  };
}
