/** Waiting: for some of many at a time, and for time to pass. */

/** Opens `count` things, `atATime` of them at a time. */
export async function inTurns(
  count: number,
  atATime: number,
  open: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await open(next++);
  };
  await Promise.all(Array.from({ length: Math.min(atATime, count) }, lane));
}

/** Resolves after `duration` ms. */
export function pause(duration: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration));
}
