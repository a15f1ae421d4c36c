/** Draws a component again only when one of its properties is another. */
import { Component, type ComponentChild } from "preact";

export function memo<Props extends object>(draw: (props: Props) => ComponentChild) {
  return class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Props): boolean {
      const before = this.props as Props;
      return (Object.keys(next) as (keyof Props)[]).some((name) => next[name] !== before[name]);
    }

    override render(): ComponentChild {
      return draw(this.props as Props);
    }
  };
}
