"""The infrastructure: templates in Bicep, and what azd runs beside them."""
