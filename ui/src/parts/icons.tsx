// The few icons of the shell, drawn in one stroke style.

const paths: Record<string, string> = {
  overview: 'M2 9l6-6 6 6M4 8v5h8V8',
  doctor: 'M4 2v4a3 3 0 0 0 6 0V2M7 9v2a3 3 0 0 0 6 0V9M13 6.500a1 1 0 1 0 0 2a1 1 0 1 0 0-2',
  targets: 'M8 2v3M8 11v3M2 8h3M11 8h3M8 5.500a2.500 2.500 0 1 0 0 5a2.500 2.500 0 1 0 0-5',
  explore: 'M2 13V3M2 13h12M4.500 10l3-3.500 2.500 2L14 4',
  dashboards: 'M2 2.500h5v6H2zM9 2.500h5v3.500H9zM9 8h5v5.500H9zM2 10.500h5v3H2z',
  alerts: 'M4 11V7a4 4 0 0 1 8 0v4l1.500 1.500h-11zM6.500 14.500h3M8 1.500V3',
  status: 'M2 8h3l2-5 2.500 10L11.500 8H14',
  refresh: 'M13 8a5 5 0 1 1-1.500-3.500M13 2v3h-3',
  clock: 'M8 2.500a5.500 5.500 0 1 0 0 11a5.500 5.500 0 1 0 0-11M8 5v3.500l2.500 1.500',
  sun: 'M8 5a3 3 0 1 0 0 6a3 3 0 1 0 0-6M8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  moon: 'M13 9.500A5.500 5.500 0 1 1 6.500 3a4.500 4.500 0 0 0 6.500 6.500',
  half: 'M8 2.500a5.500 5.500 0 1 0 0 11zM8 2.500a5.500 5.500 0 0 1 0 11',
  out: 'M7 3a4 4 0 1 0 0 8a4 4 0 1 0 0-8M10 10l4 4M5 7h4',
  expand: 'M9.500 2.500h4v4M13.500 2.500L9 7M6.500 13.500h-4v-4M2.500 13.500L7 9',
  left: 'M10 3L5 8l5 5',
  right: 'M6 3l5 5-5 5',
  down: 'M4 6l4 4 4-4',
  close: 'M4 4l8 8M12 4l-8 8',
  plus: 'M8 3v10M3 8h10',
  help: 'M6 6a2 2 0 1 1 2.500 2c-.5.300-.5.700-.5 1.500M8 12v.1',
};

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={paths[name] ?? ''} />
    </svg>
  );
}
