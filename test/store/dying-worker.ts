/** Answers each request but `die`, on which the thread ends. */
import { serve } from '../../src/store/worker-port.ts';

serve<unknown, { readonly kind: string }>((data) => {
  if (data === 'broken') throw new RangeError('cannot open');
  return {
    state: data,
    isLast: ({ kind }) => kind === 'close',
    handle: ({ kind }) => {
      if (kind === 'die') process.exit(3);
      if (kind === 'refuse') throw new RangeError('not so');
      return { value: kind };
    },
  };
});
