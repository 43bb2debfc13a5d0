import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../src/platform/clock.ts';
import { createTrace, type TraceBody, type TraceEvent } from '../../src/platform/trace.ts';

const SCREEN: TraceBody = { kind: 'screen', target: 'customer', lines: ['APPROVED'] };
const ALARM: TraceBody = { kind: 'alarm', what: 'MAC of the answer is wrong' };

describe('the trace', () => {
  it('numbers and times each event, and redacts it before anybody sees it', () => {
    const clock = new VirtualClock(1_000);
    const trace = createTrace(clock, (event) =>
      event.kind === 'alarm' ? { ...event, what: 'masked' } : event,
    );
    const seen: TraceEvent[] = [];
    trace.subscribe((event) => seen.push(event));
    trace.emit(SCREEN);
    trace.emit(ALARM);
    expect(seen).toEqual([
      { ...SCREEN, sequence: 1, atMs: 1_000 },
      { kind: 'alarm', what: 'masked', sequence: 2, atMs: 1_000 },
    ]);
  });

  it('redacts nothing that nobody wants', () => {
    const redacted: string[] = [];
    const trace = createTrace(new VirtualClock(0), (event) => {
      redacted.push(event.kind);
      return event;
    });
    const screens: TraceEvent[] = [];
    const stop = trace.subscribe((event) => screens.push(event), ['screen']);
    trace.emit(ALARM);
    trace.emit(SCREEN);
    expect([trace.wants('screen'), trace.wants('alarm'), screens.length, redacted]).toEqual([
      true,
      false,
      1,
      ['screen'],
    ]);
    stop();
    trace.emit(SCREEN);
    expect([trace.wants('screen'), screens.length, redacted]).toEqual([false, 1, ['screen']]);
  });
});
