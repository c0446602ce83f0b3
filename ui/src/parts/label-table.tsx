// Labels by name, one a line; nothing where there are none.

export function LabelTable({ title, labels }: { title: string; labels: Record<string, string> }) {
  const all = Object.entries(labels).sort();
  if (all.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <dl class="labels mono">{all.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
    </>
  );
}
